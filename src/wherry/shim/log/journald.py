"""Logging to systemd's journal over its native socket.

https://systemd.io/JOURNAL_NATIVE_PROTOCOL/: one datagram an entry, a field a line; values with
line breaks carry their length. The fields are those of Docker's journald driver.
"""

import socket
from collections.abc import Mapping
from contextlib import suppress

from wherry.shim.log.options import JOURNAL_SOCKET

_PRIORITIES = {1: b"6", 2: b"3"}  # info and err, as Docker's


class Journal:
    """A connection to the journal; each line becomes an entry."""

    def __init__(self, fields: Mapping[str, str]) -> None:
        self._fields = b"".join(_field(name, text.encode()) for name, text in fields.items())
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
        self._socket.connect(JOURNAL_SOCKET)

    def write(self, block: bytes, stream: int, *, whole: bool) -> None:
        head = self._fields + _field("PRIORITY", _PRIORITIES[stream])
        if not whole:
            head += _field("CONTAINER_PARTIAL_MESSAGE", b"true")
        lines = block.split(b"\n")
        if whole:
            lines.pop()
        for line in lines:
            # A journal that is being restarted loses lines; the container goes on.
            with suppress(OSError):
                self._socket.send(head + _field("MESSAGE", line))

    def close(self) -> None:
        self._socket.close()


def _field(name: str, value: bytes) -> bytes:
    if b"\n" in value:
        return b"%b\n%b%b\n" % (name.encode(), len(value).to_bytes(8, "little"), value)
    return b"%b=%b\n" % (name.encode(), value)


def journal_fields(container_id: str, name: str, image: str, tag: str) -> dict[str, str]:
    """The fields that every entry of a container carries."""
    return {
        "CONTAINER_ID": container_id[:12],
        "CONTAINER_ID_FULL": container_id,
        "CONTAINER_NAME": name,
        "CONTAINER_TAG": tag,
        "IMAGE_NAME": image,
        "SYSLOG_IDENTIFIER": tag,
    }


def field_name(text: str) -> str:
    """A label's or variable's name as a field's: capitals, digits and underscores."""
    cleaned = "".join(c if c.isascii() and c.isalnum() else "_" for c in text.upper())
    return cleaned.lstrip("_") or "EXTRA"
