r"""Docker's json-file format, a record a line, encoded and decoded in whole blocks.

    {"log":"text\n","stream":"stdout","attrs":{"tag":"web"},"time":"2026-11-24T00:27:32.4Z"}

Lines that come in one chunk get one time, so the end of one record and the beginning of the next
are the same bytes throughout a block: encoding is one `replace` of the line breaks by them, and
decoding the reverse. A loop over lines would take ten times as long.

Decoding relies on what the encoding guarantees: inside a text there is no bare quote, no bare
line break and no byte 0, and a backslash is always followed by what it escapes. Double
backslashes are first replaced by byte 0, so that each backslash left begins another escape.
"""

import json
import re
from collections.abc import Iterator

from wherry.values import dataclass

STREAMS = {"stdout": 1, "stderr": 2}
_NAMES = {1: b"stdout", 2: b"stderr"}
_BEGIN = b'{"log":"'

_PLAIN = bytes(
    byte for byte in range(128) if byte == 10 or (byte >= 32 and chr(byte) not in '"\\<>&')
)
_HIGH = bytes(range(128, 256))
_ESCAPED = {byte: f"\\u{byte:04x}".encode() for byte in range(32)} | {
    ord("\r"): b"\\r",
    ord('"'): b'\\"',
    ord("\\"): b"\\\\",
    ord("<"): b"\\u003c",
    ord(">"): b"\\u003e",
    ord("&"): b"\\u0026",
}
_NOT_UTF8 = re.compile("[\udc80-\udcff]")


def encode_lines(block: bytes, stream: int, time: bytes, attributes: bytes = b"") -> bytes:
    """Records for a block of whole lines. `attributes` is a JSON object, or empty."""
    tail = b"\\n" + _tail(stream, time, attributes)
    return _BEGIN + _escaped(block[:-1]).replace(b"\n", tail + _BEGIN) + tail


def encode_piece(piece: bytes, stream: int, time: bytes, attributes: bytes = b"") -> bytes:
    """The record of a piece of a line, without a line break in its text."""
    return _BEGIN + _escaped(piece) + _tail(stream, time, attributes)


def _tail(stream: int, time: bytes, attributes: bytes) -> bytes:
    more = b',"attrs":' + attributes if attributes else b""
    return b'","stream":"%b"%b,"time":"%b"}\n' % (_NAMES[stream], more, time)


def _escaped(text: bytes) -> bytes:
    """`text` as Docker writes it in JSON, but for its line breaks."""
    odd = text.translate(None, _PLAIN)
    if not odd:
        return text
    low = odd.translate(None, _HIGH)
    if low:
        found = set(low)
        if 0x5C in found:  # first: the other escapes bring backslashes of their own
            text = text.replace(b"\\", b"\\\\")
        for byte in found - {0x5C}:
            escaped = _ESCAPED.get(byte)
            if escaped is not None:
                text = text.replace(bytes((byte,)), escaped)
    if len(low) < len(odd):
        text = _with_escaped_unicode(text)
    return text


def _with_escaped_unicode(text: bytes) -> bytes:
    try:
        text.decode()
    except UnicodeDecodeError:
        decoded = text.decode("utf-8", "surrogateescape")
        text = _NOT_UTF8.sub(r"\\ufffd", decoded).encode()
    # U+2028 and U+2029 end lines in JavaScript.
    return text.replace(b"\xe2\x80\xa8", b"\\u2028").replace(b"\xe2\x80\xa9", b"\\u2029")


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
        if not at < end_of_text < end or not data.startswith(_BEGIN, at):
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
        text = data[at + len(_BEGIN) : last - len(tail)]
        if last > end:
            text = text.replace(tail + _BEGIN, b"\n")
            if _BEGIN in text:  # a broken record is among them
                last = end
                text = data[at + len(_BEGIN) : last - len(tail)]
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
    if b'","stream":"stderr"' in data or not data.startswith(_BEGIN):
        return None
    tail = data[data.find(b'","stream":"') : data.find(b"\n") + 1]
    if data.count(tail, 0, _FIRST_WINDOW) >= _LONG_BLOCK:
        return None
    data = data.replace(b"\\\\", b"\0")
    text = _ANY_TAIL.sub(b"", _END_OF_LINE.sub(b"\n", data[len(_BEGIN) :]))
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
