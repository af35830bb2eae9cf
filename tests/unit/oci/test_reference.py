"""wherry.oci.reference"""

import pytest

from wherry.oci.digest import Digest
from wherry.oci.reference import InvalidReference, Reference

HEX = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


@pytest.mark.parametrize(
    ("text", "full", "familiar"),
    [
        ("busybox", "docker.io/library/busybox", "busybox"),
        ("busybox:1.36", "docker.io/library/busybox:1.36", "busybox:1.36"),
        ("library/busybox", "docker.io/library/busybox", "busybox"),
        ("docker.io/busybox", "docker.io/library/busybox", "busybox"),
        ("index.docker.io/library/busybox", "docker.io/library/busybox", "busybox"),
        ("org/app", "docker.io/org/app", "org/app"),
        ("a/b/c", "docker.io/a/b/c", "a/b/c"),
        ("library/a/b", "docker.io/library/a/b", "library/a/b"),
        ("ghcr.io/org/app:v1", "ghcr.io/org/app:v1", "ghcr.io/org/app:v1"),
        ("localhost/app", "localhost/app", "localhost/app"),
        ("localhost:5000/app", "localhost:5000/app", "localhost:5000/app"),
        ("[::1]:5000/app:x", "[::1]:5000/app:x", "[::1]:5000/app:x"),
        ("HOST/app", "HOST/app", "HOST/app"),
        (f"app@sha256:{HEX}", f"docker.io/library/app@sha256:{HEX}", f"app@sha256:{HEX}"),
        (f"app:1@sha256:{HEX}", f"docker.io/library/app:1@sha256:{HEX}", f"app:1@sha256:{HEX}"),
        ("a__b.c-d--e", "docker.io/library/a__b.c-d--e", "a__b.c-d--e"),
        ("app:" + "t" * 128, "docker.io/library/app:" + "t" * 128, "app:" + "t" * 128),
    ],
)
def test_a_reference_has_a_full_and_a_familiar_form(text: str, full: str, familiar: str) -> None:
    reference = Reference.parse(text)
    assert (reference.full, str(reference)) == (full, familiar)
    assert Reference.parse(full) == Reference.parse(familiar) == reference


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "invalid reference format"),
        ("a b", "invalid reference format"),
        ("app:", "invalid reference format"),
        ("app@", "invalid reference format"),
        ("-app", "invalid reference format"),
        ("a//b", "invalid reference format"),
        ("a/../b", "invalid reference format"),
        ("a___b", "invalid reference format"),
        ("app\n", "invalid reference format"),
        ("app:" + "t" * 129, "invalid reference format"),
        ("app@sha256:abc", "invalid reference format"),
        ("Foo", "invalid reference format: repository name (library/Foo) must be lowercase"),
        ("org/Foo:1", "invalid reference format: repository name (org/Foo) must be lowercase"),
        ("a" * 256, "repository name must not be more than 255 characters"),
        (HEX, f"invalid repository name ({HEX}), cannot specify 64-byte hexadecimal strings"),
        (f"app@sha256:{HEX[:32]}", "invalid checksum digest length"),
        (f"app@md5:{HEX[:32]}", "unsupported digest algorithm"),
    ],
)
def test_what_is_no_reference_is_refused_in_dockers_words(text: str, message: str) -> None:
    with pytest.raises(InvalidReference) as caught:
        Reference.parse(text)
    assert caught.value.message == message


def test_latest_is_added_only_to_a_bare_name() -> None:
    assert str(Reference.parse("app").with_default_tag()) == "app:latest"
    assert str(Reference.parse("app:1").with_default_tag()) == "app:1"
    by_digest = Reference.parse("app").with_digest(Digest(f"sha256:{HEX}"))
    assert by_digest.with_default_tag() == by_digest
    with pytest.raises(InvalidReference, match="invalid tag format"):
        by_digest.with_tag("no tag")
