"""wherry.oci.digest"""

import pytest

from wherry.oci.digest import ChainID, DiffID, Digest, InvalidDigest, chain_ids

EMPTY = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


def test_a_digest_keeps_its_parts() -> None:
    digest = Digest.of_bytes(b"")
    assert str(digest) == f"sha256:{EMPTY}"
    assert (digest.algorithm, digest.hex, digest.short) == ("sha256", EMPTY, EMPTY[:12])


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "invalid checksum digest format"),
        (EMPTY, "invalid checksum digest format"),
        ("sha256:", "invalid checksum digest format"),
        (f":{EMPTY}", "invalid checksum digest format"),
        (f"md5:{EMPTY}", "unsupported digest algorithm"),
        (f"SHA256:{EMPTY}", "unsupported digest algorithm"),
        (f"sha256:{EMPTY}0", "invalid checksum digest length"),
        (f"sha512:{EMPTY}", "invalid checksum digest length"),
        (f"sha256:{EMPTY.upper()}", "invalid checksum digest format"),
        (f"sha256:../{EMPTY[3:]}", "invalid checksum digest format"),
    ],
)
def test_what_is_no_digest_is_refused(text: str, problem: str) -> None:
    with pytest.raises(InvalidDigest, match=problem):
        Digest(text)


def test_kinds_of_hash_are_never_equal() -> None:
    text = f"sha256:{EMPTY}"
    assert len({Digest(text), DiffID(text), ChainID(text), Digest(text)}) == 3
    assert str(Digest(text)) == str(DiffID(text))


def test_hashes_sort_within_their_kind() -> None:
    low, high = Digest("sha256:" + "0" * 64), Digest("sha256:" + "f" * 64)
    assert sorted([high, low]) == [low, high]


def test_chain_ids_follow_the_image_specification() -> None:
    first = DiffID.of_bytes(b"first")
    second = DiffID.of_bytes(b"second")
    expected = ChainID.of_bytes(f"{first} {second}".encode())
    assert chain_ids([first, second]) == [ChainID(str(first)), expected]
    assert chain_ids([]) == []
