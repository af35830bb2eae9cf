r"""Docker's json-file format, decoded in whole blocks, see `json_file`.

Decoding relies on what the encoding guarantees: inside a text there is no bare quote, no bare
line break and no byte 0, and a backslash is always followed by what it escapes. Double
backslashes are first replaced by byte 0, so that each backslash left begins another escape.
"""

import json
import re
from collections.abc import Iterator

from wherry.shim.log.json_file import BEGIN, STREAMS
from wherry.values import dataclass


@dataclass(slots=True)
class Block:
    """Neighbouring records with the same stream, time and attributes, and their text."""

    stream: int
    time: bytes
    attributes: bytes
    text: bytes


def complete(data: bytes) -> int:
    """How many bytes of `data` are whole records."""
    return data.rfind(b"\n") + 1


_TAIL = re.compile(
    rb'","stream":"(stdout|stderr)"(?:,"attrs":(\{.*?\}))?,"time":"([^"]*)"\}$', re.DOTALL
)
_ANY_TAIL = re.compile(
    rb'","stream":"(?:stdout|stderr)"(?:,"attrs":\{[^\n]*?\})?,"time":"[^"\n]*"\}\n(?:\{"log":")?'
)
_END_OF_LINE = re.compile(rb"\\n" + _ANY_TAIL.pattern)
_FIRST_WINDOW = 4096
_LONG_BLOCK = 8  # records


def decode_blocks(data: bytes) -> Iterator[Block]:
    """The records in `data`, which begins and ends with whole ones. Broken ones are left out."""
    data = data.replace(b"\\\\", b"\0")
    at = 0
    while at < len(data):
        end_of_text = data.find(b'","stream":"', at)
        end = data.find(b"\n", at) + 1
        if end == 0:
            return
        if not at < end_of_text < end or not data.startswith(BEGIN, at):
            at = end
            continue
        tail = data[end_of_text:end]
        match = _TAIL.match(tail)
        if match is None:
            at = end
            continue
        last = end
        if data[end_of_text - 2 : end_of_text] == b"\\n":
            tail = b"\\n" + tail
            last = _end_of_run(data, end, tail)
        text = data[at + len(BEGIN) : last - len(tail)]
        if last > end:
            text = text.replace(tail + BEGIN, b"\n")
            if BEGIN in text:  # a broken record is among them
                last = end
                text = data[at + len(BEGIN) : last - len(tail)]
        if tail.startswith(b"\\n"):
            text += b"\n"
        name, attributes, time = match.groups()
        yield Block(STREAMS[name.decode()], time, _restored(attributes or b""), _unescaped(text))
        at = last


def decode_plain(data: bytes) -> bytes | None:
    """The text of `data` when it is all of one time-independent shape: every record of stdout.

    None when there are records of stderr too, or anything unusual; and when the records come in
    long blocks. What this cannot do in bulk, `decode_blocks` does.
    """
    if b'","stream":"stderr"' in data or not data.startswith(BEGIN):
        return None
    tail = data[data.find(b'","stream":"') : data.find(b"\n") + 1]
    if data.count(tail, 0, _FIRST_WINDOW) >= _LONG_BLOCK:
        return None
    data = data.replace(b"\\\\", b"\0")
    text = _ANY_TAIL.sub(b"", _END_OF_LINE.sub(b"\n", data[len(BEGIN) :]))
    return None if b'{"log":"' in text else _unescaped(text)


def _end_of_run(data: bytes, end: int, tail: bytes) -> int:
    """The end of the records that follow at `end` and have the same tail."""
    window = _FIRST_WINDOW
    while True:
        found = data.rfind(tail, end, end + window)
        if found < 0:
            return end
        end = found + len(tail)
        window *= 2


def _restored(text: bytes) -> bytes:
    return text.replace(b"\0", b"\\\\")


_UNICODE = re.compile(rb"\\u([0-9a-fA-F]{4})(?:\\u([dD][c-fC-F][0-9a-fA-F]{2}))?")


def _unescaped(text: bytes) -> bytes:
    """The text behind escapes, in which double backslashes are already bytes 0."""
    if b"\\" not in text:
        return text.replace(b"\0", b"\\")
    if b"\\u0000" in text:
        return b"\0".join(map(_unescaped, text.split(b"\\u0000")))
    for escape, plain in _SHORT_ESCAPES:
        text = text.replace(escape, plain)
    if b"\\u" in text:
        text = _UNICODE.sub(_character, text)
    return text.replace(b"\0", b"\\")


_SHORT_ESCAPES = (
    (b'\\"', b'"'),
    (b"\\n", b"\n"),
    (b"\\r", b"\r"),
    (b"\\t", b"\t"),
    (b"\\u003c", b"<"),
    (b"\\u003e", b">"),
    (b"\\u0026", b"&"),
    (b"\\u0009", b"\t"),
    (b"\\u001b", b"\x1b"),
    (b"\\/", b"/"),
    (b"\\b", b"\b"),
    (b"\\f", b"\f"),
)


def _character(match: re.Match[bytes]) -> bytes:
    text = json.loads(b'"' + match[0] + b'"')
    return str(text).encode("utf-8", "replace")


def decode_attributes(data: bytes) -> dict[str, str]:
    """The attributes of a block, by name."""
    found = json.loads(data) if data else {}
    return {str(key): str(value) for key, value in found.items()}
