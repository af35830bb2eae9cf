"""The json-file format: Docker's bytes, written and read in blocks."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wherry.shim.log.json_file import encode_lines, encode_piece
from wherry.shim.log.json_file_decoder import decode_blocks, decode_plain
from wherry.shim.log.lines import LONGEST, LineSplitter

TIME = b"2026-11-24T00:27:32.418238206Z"

# What dockerd 20.10 wrote for the same bytes.
DOCKER = [
    (
        b'a\tb"q\\ <x>&\x01\r\n',
        rb'{"log":"a\u0009b\"q\\ \u003cx\u003e\u0026\u0001\r\n","stream":"stdout","time":"T"}',
    ),
    (
        b"\xff\xfez\xe2\x80\xa8\n",
        rb'{"log":"\ufffd\ufffdz\u2028\n","stream":"stdout","time":"T"}',
    ),
]


@pytest.mark.parametrize(("line", "record"), DOCKER)
def test_a_line_becomes_the_bytes_that_docker_writes(line: bytes, record: bytes) -> None:
    assert encode_lines(line, 1, b"T") == record + b"\n"


def test_a_piece_of_a_line_has_no_line_break_and_attributes_come_before_the_time() -> None:
    assert (
        encode_piece(b"end", 2, b"T", b'{"tag":"web"}')
        == b'{"log":"end","stream":"stderr","attrs":{"tag":"web"},"time":"T"}\n'
    )


LINES = st.lists(
    st.one_of(
        st.text(alphabet=st.characters(exclude_characters="\n", exclude_categories=["Cs"])),
        st.text(alphabet='\\"nru0{},:stream<\0\t'),
        st.sampled_from(['","stream":"stderr","time":"x"}', '{"log":"', "\\n", "\\\\u003c"]),
    ),
    min_size=1,
    max_size=6,
)


@given(batches=st.lists(st.tuples(LINES, st.sampled_from([1, 2]), st.booleans()), max_size=6))
def test_what_was_written_is_read_again(batches: list[tuple[list[str], int, bool]]) -> None:
    data, expected = b"", []
    for number, (lines, stream, whole) in enumerate(batches):
        time = f"2026-11-24T00:00:{number:02}Z".encode()
        if whole:
            block = "".join(line + "\n" for line in lines).encode()
            data += encode_lines(block, stream, time)
        else:
            block = lines[0].encode()
            data += encode_piece(block, stream, time)
        expected.append((stream, time, block))

    for record in data.splitlines():
        json.loads(record)
    assert [(b.stream, b.time, b.text) for b in decode_blocks(data)] == expected
    if data and all(stream == 1 for stream, _, _ in expected):
        plain = decode_plain(data)
        assert plain is None or plain == b"".join(text for _, _, text in expected)


def test_a_broken_record_does_not_hide_the_others() -> None:
    good = encode_lines(b"good\n", 1, TIME)
    data = good + b'{"log":"torn\n' + b"\0\0\0\n" + good
    assert [block.text for block in decode_blocks(data)] == [b"good\n", b"good\n"]


@given(data=st.binary(max_size=60), cut=st.integers(1, 60))
def test_lines_are_handed_on_whole(data: bytes, cut: int) -> None:
    splitter, text = LineSplitter(), b""
    for piece in (data[:cut], data[cut:]):
        for block, whole in splitter.feed(piece):
            assert whole
            assert block.endswith(b"\n")
            text += block
    rest = splitter.finish()
    assert b"\n" not in rest
    assert text + rest == data


def test_an_overlong_line_is_cut_where_docker_cuts_it() -> None:
    splitter = LineSplitter()
    data = b"short\n" + b"x" * 40000 + b"\nnext\nrest"
    blocks = [*splitter.feed(data[:20000]), *splitter.feed(data[20000:])]
    assert blocks == [
        (b"short\n", True),
        (b"x" * LONGEST, False),
        (b"x" * LONGEST, False),
        (b"x" * (40000 - 2 * LONGEST) + b"\nnext\n", True),
    ]
    assert splitter.finish() == b"rest"


def test_no_character_is_torn_apart() -> None:
    text = ("x" + "ä" * LONGEST).encode()
    pieces = [piece for piece, whole in LineSplitter().feed(text) if not whole]
    assert pieces
    for piece in pieces:
        piece.decode()
