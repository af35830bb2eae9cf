"""D-Bus's values and GVariant's text, as bytes of the specification and there and back again."""

from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wherry.linux.dbus_values import Value, Variant, packed, unpacked
from wherry.linux.gvariant import parse_value

_SCALARS: dict[str, st.SearchStrategy[Value]] = {
    "s": st.text(st.characters(exclude_characters="\0", codec="utf-8"), max_size=20),
    "b": st.booleans(),
    "y": st.integers(0, 255),
    "n": st.integers(-(1 << 15), (1 << 15) - 1),
    "u": st.integers(0, (1 << 32) - 1),
    "x": st.integers(-(1 << 63), (1 << 63) - 1),
    "t": st.integers(0, (1 << 64) - 1),
}


@st.composite
def typed(draw: st.DrawFn, depth: int = 0) -> tuple[str, Value]:
    forms = ("scalar", "array", "tuple", "variant") if depth < 2 else ("scalar",)
    form = draw(st.sampled_from(forms))
    if form == "scalar":
        kind = draw(st.sampled_from(sorted(_SCALARS)))
        return kind, draw(_SCALARS[kind])
    if form == "variant":
        return "v", Variant(*draw(typed(depth + 1)))
    if form == "array":
        kind = draw(st.sampled_from(sorted(_SCALARS)))
        return f"a{kind}", draw(st.lists(_SCALARS[kind], max_size=4))
    parts = draw(st.lists(typed(depth + 1), min_size=1, max_size=3))
    return f"({''.join(kind for kind, _ in parts)})", tuple(value for _, value in parts)


@settings(max_examples=40)
@given(st.lists(typed(), max_size=4))
def test_values_come_back(parts: list[tuple[str, Value]]) -> None:
    signature = "".join(kind for kind, _ in parts)
    values = [value for _, value in parts]

    assert unpacked(signature, packed(signature, tuple(values))) == values


@settings(max_examples=60)
@given(st.text("sbutvaoxyg()", max_size=8), st.binary(max_size=64))
def test_no_message_does_more_than_be_refused(signature: str, data: bytes) -> None:
    with suppress(ValueError):
        unpacked(signature, data)


def test_alignment_is_the_specifications() -> None:
    expected = b"\1\0\0\0\x0b\0\0\0" + b"\1\0\0\0A\0" + b"\1s\0"
    found = packed("ba(sv)", (True, [("A", Variant("s", "b"))]))

    assert found[:4] == expected[:4]
    assert found[8:14] == expected[8:14]
    assert found[14:17] == expected[14:17]
    assert found[20:] == b"\1\0\0\0b\0"


@pytest.mark.parametrize(
    ("text", "signature", "value"),
    [
        ("true", "b", True),
        ("5", "i", 5),
        ("-5", "i", -5),
        ("2.5", "d", 2.5),
        ("'inactive-or-failed'", "s", "inactive-or-failed"),
        (r"'it\'s'", "s", "it's"),
        ("['a', \"b\"]", "as", ["a", "b"]),
        ("uint64 123456789", "t", 123456789),
        ("byte 255", "y", 255),
        ("double 3", "d", 3.0),
    ],
)
def test_text_is_read_as_glib_reads_it(text: str, signature: str, value: Value) -> None:
    assert parse_value(text) == Variant(signature, value)


@pytest.mark.parametrize(
    "text", ["", "word", "99999999999", "byte 256", "uint64 -1", "uint64 'x'", "['a' 'b']", "'a"]
)
def test_what_is_no_value_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="GVariant"):
        parse_value(text)
