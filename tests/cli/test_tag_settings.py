"""Tags that the configuration keeps where they are, and names that it warns of."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from wherry.oci.reference import Reference
from wherry.store.config_file import InvalidConfiguration
from wherry.store.tag_settings import immutable_by, warning_of
from wherry.testing.archives import old_archive
from wherry.testing.command import Wherry
from wherry.testing.registries import DockerRegistry


@pytest.fixture
def settings(wherry: Wherry, tmp_path: Path) -> Iterator[Path]:
    """The user's file."""
    path = tmp_path / "config" / "wherry" / "config.toml"
    path.parent.mkdir(parents=True)
    before = dict(wherry.environment)
    wherry.environment["XDG_CONFIG_HOME"] = str(tmp_path / "config")
    yield path
    wherry.environment.clear()
    wherry.environment.update(before)


def test_an_immutable_tag_is_not_moved_by_anything(wherry: Wherry, settings: Path) -> None:
    with DockerRegistry() as registry:
        name = f"{registry.host}/app:v1"
        one = b"FROM busybox\nLABEL a=1\n"
        wherry("build", "-q", "-t", name, "--push", "-", stdin=one)
        wherry("tag", "busybox", name)
        settings.write_text('[tags]\nimmutable = ["*/app:v*"]\n')
        tag = wherry("images", "-q", "busybox").stdout.strip()

        for words, stdin in (
            (("tag", f"{name}-other", name), None),
            (("build", "-q", "-t", name, "-"), b"FROM busybox\nLABEL a=2\n"),
            (("load",), old_archive([b""], name)),
            (("pull", "-q", name), None),
        ):
            if words[0] == "tag":
                wherry("build", "-q", "-t", f"{name}-other", "-", stdin=one)
            failed = wherry(*words, stdin=stdin, check=False)
            assert failed.returncode == 1, words
            assert f"tag {name} is immutable: it stays on image {tag}" in failed.stderr, words

    # What does not move it is fine, and so is a move once the pattern is gone.
    wherry("tag", "busybox", name)
    settings.write_text("")
    wherry("tag", f"{name}-other", name)
    reasons = wherry("tag", "log", "--format", "{{.Reason}}", name).stdout.split()
    assert reasons == ["build", "tag", "tag"]


def test_a_locked_tag_is_not_moved_by_a_build_or_a_pull(wherry: Wherry) -> None:
    with DockerRegistry() as registry:
        name = f"{registry.host}/app:v1"
        wherry("build", "-q", "-t", name, "--push", "-", stdin=b"FROM busybox\nLABEL a=1\n")
        wherry("tag", "busybox", name)
        wherry("tag", "--lock", name)

        pulled = wherry("pull", "-q", name, check=False)
        built = wherry("build", "-t", name, "-", stdin=b"FROM busybox\nLABEL a=2\n", check=False)

    for failed in (pulled, built):
        assert failed.returncode == 1
        assert f"tag {name} is locked to image" in failed.stderr
    wherry("tag", "--unlock", name)


def test_names_that_move_are_warned_of(wherry: Wherry, settings: Path) -> None:
    settings.write_text("[tags]\nwarn-latest = true\n")
    told = "it may be another image tomorrow"

    # A launcher may have been started by a command with another folder of settings.
    words = ("run", "--rm", "--network=none", "busybox", "true")
    ran = wherry(*words, WHERRY_LAUNCHER="off")
    built = wherry("build", "-t", "app:1", "-", stdin=b"FROM busybox:latest\n")

    assert ran.stderr == f"WARNING: busybox has no tag, which means latest: {told}\n"
    assert f"WARNING: busybox:latest has the tag latest: {told}" in built.stderr
    assert "app" not in built.stderr.partition("WARNING")[2].partition("\n")[0]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("app:v1", "app:v*"),
        ("app:w1", ""),
        ("docker.io/library/app:v2", "app:v*"),
        ("x/y:1", "*/y:*"),
    ],
)
def test_patterns_are_of_either_form_of_a_name(name: str, expected: str, tmp_path: Path) -> None:
    (tmp_path / "wherry").mkdir()
    (tmp_path / "wherry/config.toml").write_text('[tags]\nimmutable = ["app:v*", "*/y:*"]\n')

    environ = {"XDG_CONFIG_HOME": str(tmp_path)}

    assert immutable_by(Reference.parse(name), environ) == expected
    assert warning_of(name, environ) == ""


@pytest.mark.parametrize("text", ["tags = 1", "[tags]\nx = 1", "[tags]\nimmutable = 'a'", "[tags"])
def test_settings_that_are_wrong_are_told(text: str, tmp_path: Path) -> None:
    (tmp_path / "wherry").mkdir()
    (tmp_path / "wherry/config.toml").write_text(text)

    with pytest.raises(InvalidConfiguration, match=r"config\.toml: "):
        immutable_by(Reference.parse("a:1"), {"XDG_CONFIG_HOME": str(tmp_path)})
