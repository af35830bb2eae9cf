r"""Docker's json-file format, a record a line, encoded in whole blocks.

    {"log":"text\n","stream":"stdout","attrs":{"tag":"web"},"time":"2026-11-24T00:27:32.4Z"}

Lines that come in one chunk get one time, so the end of one record and the beginning of the next
are the same bytes throughout a block: encoding is one `replace` of the line breaks by them, and
decoding (`json_file_decoder`) the reverse. A loop over lines would take ten times as long.
"""

import re

STREAMS = {"stdout": 1, "stderr": 2}
_NAMES = {1: b"stdout", 2: b"stderr"}
BEGIN = b'{"log":"'

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
_NOT_UTF8 = "[\udc80-\udcff]"  # compiled by whoever finds some


def encode_lines(block: bytes, stream: int, time: bytes, attributes: bytes = b"") -> bytes:
    """Records for a block of whole lines. `attributes` is a JSON object, or empty."""
    tail = b"\\n" + _tail(stream, time, attributes)
    return BEGIN + _escaped(block[:-1]).replace(b"\n", tail + BEGIN) + tail


def encode_piece(piece: bytes, stream: int, time: bytes, attributes: bytes = b"") -> bytes:
    """The record of a piece of a line, without a line break in its text."""
    return BEGIN + _escaped(piece) + _tail(stream, time, attributes)


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
        text = re.sub(_NOT_UTF8, r"\\ufffd", decoded).encode()
    # U+2028 and U+2029 end lines in JavaScript.
    return text.replace(b"\xe2\x80\xa8", b"\\u2028").replace(b"\xe2\x80\xa9", b"\\u2029")
