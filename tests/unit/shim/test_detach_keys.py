"""The keys that detach."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wherry.shim.detach_keys import DetachFilter, InvalidDetachKeys, parse_detach_keys


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ("", b"\x10\x11"),
        ("ctrl-p,ctrl-q", b"\x10\x11"),
        ("a,ctrl-@", b"a\x00"),
        ("DEL,x", b"\x7fx"),
        ("ctrl-\\,ctrl-_,x", b"\x1c\x1fx"),
    ],
)
def test_keys_are_spelled_as_in_docker(text: str, keys: bytes) -> None:
    assert parse_detach_keys(text) == keys


@pytest.mark.parametrize(
    ("text", "word"),
    [("foo", "foo"), ("ctrl-", "ctrl-"), ("ctrl-1", "ctrl-1"), ("ctrl-A", "ctrl-A"), ("a,", "")],
)
def test_other_spellings_are_refused(text: str, word: str) -> None:
    with pytest.raises(InvalidDetachKeys) as caught:
        parse_detach_keys(text)
    assert caught.value.message == f"invalid detach keys ({text}): Unknown character: '{word}'"


def test_a_lone_first_key_is_held_until_the_next_byte() -> None:
    detaching = DetachFilter(b"\x10\x11")
    assert detaching.feed(b"a\x10") == b"a"
    assert detaching.feed(b"b") == b"\x10b"
    assert detaching.feed(b"\x10\x10") == b"\x10"
    assert detaching.feed(b"\x11never") == b""
    assert detaching.found


@given(
    pieces=st.lists(st.binary(max_size=6).map(lambda b: bytes(c % 4 for c in b)), max_size=8),
    keys=st.binary(min_size=1, max_size=3).map(lambda b: bytes(c % 4 for c in b)),
)
def test_everything_before_the_keys_goes_through(pieces: list[bytes], keys: bytes) -> None:
    detaching = DetachFilter(keys)
    through = b"".join(map(detaching.feed, pieces))
    whole = b"".join(pieces)
    if keys in whole:
        assert detaching.found
        assert through == whole[: whole.index(keys)]
    else:
        assert not detaching.found
        assert whole.startswith(through)
        assert keys.startswith(whole[len(through) :])
