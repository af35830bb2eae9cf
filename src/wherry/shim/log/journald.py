"""Logging to systemd's journal over its native socket.

https://systemd.io/JOURNAL_NATIVE_PROTOCOL/: one datagram an entry, a field a line; values with
line breaks carry their length. The fields are those of Docker's journald driver.
"""

import errno
import fcntl
import os
import socket
import time
from collections.abc import Mapping
from contextlib import suppress

from wherry.oci.timestamps import format_timestamp
from wherry.shim.log.options import JOURNAL_SOCKET

_PRIORITIES = {1: b"6", 2: b"3"}  # info and err, as Docker's

#: Those that are not details which --log-opt labels and env have added.
KNOWN_FIELDS = frozenset(
    (
        *("MESSAGE", "MESSAGE_ID", "PRIORITY", "CODE_FILE", "CODE_LINE", "CODE_FUNC", "ERRNO"),
        *("SYSLOG_FACILITY", "SYSLOG_IDENTIFIER", "SYSLOG_PID", "SYSLOG_TIMESTAMP"),
        *("CONTAINER_ID", "CONTAINER_ID_FULL", "CONTAINER_NAME", "CONTAINER_TAG", "IMAGE_NAME"),
        *("CONTAINER_PARTIAL_MESSAGE", "CONTAINER_PARTIAL_ID", "CONTAINER_PARTIAL_ORDINAL"),
        *("CONTAINER_PARTIAL_LAST", "CONTAINER_LOG_EPOCH", "CONTAINER_LOG_ORDINAL"),
    )
)


class Journal:
    """A connection to the journal; each line becomes an entry, an overlong one several."""

    def __init__(self, fields: Mapping[str, str]) -> None:
        self._fields = b"".join(_field(name, text.encode()) for name, text in fields.items())
        self._partial: dict[int, tuple[str, int]] = {}  # by stream: its ID, pieces so far
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
        self._socket.connect(JOURNAL_SOCKET)

    def write(self, block: bytes, stream: int, *, whole: bool) -> None:
        now = format_timestamp(time.time_ns()).encode()
        head = self._fields + _field("SYSLOG_TIMESTAMP", now)
        head += _field("PRIORITY", _PRIORITIES[stream])
        lines = block.split(b"\n")
        if whole:
            lines.pop()
        for line in lines:
            self._send(head + self._piece(stream, whole=whole) + _field("MESSAGE", line))

    def _piece(self, stream: int, *, whole: bool) -> bytes:
        """What tells the pieces of a line, of which one that is `whole` has the end."""
        if whole and stream not in self._partial:
            return b""
        number, count = self._partial.pop(stream, ("", 0))
        number, count = number or os.urandom(32).hex(), count + 1
        if not whole:
            self._partial[stream] = number, count
        fields = {"ID": number, "ORDINAL": str(count), "LAST": str(whole).lower()}
        if not whole:
            fields["MESSAGE"] = "true"
        return b"".join(_field(f"CONTAINER_PARTIAL_{k}", v.encode()) for k, v in fields.items())

    def _send(self, entry: bytes) -> None:
        # A journal that is being restarted loses lines; the container goes on.
        with suppress(OSError):
            try:
                self._socket.send(entry)
            except OSError as error:
                if error.errno not in (errno.EMSGSIZE, errno.ENOBUFS):
                    raise
                self._send_as_file(entry)

    def _send_as_file(self, entry: bytes) -> None:
        """What does not fit into a datagram comes as a sealed file, which is its only content."""
        with os.fdopen(
            os.memfd_create("entry", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING), "wb"
        ) as file:
            file.write(entry)
            file.flush()
            seals = fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE | fcntl.F_SEAL_SEAL
            fcntl.fcntl(file, fcntl.F_ADD_SEALS, seals)
            socket.send_fds(self._socket, [b""], [file.fileno()])

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
    cleaned = "".join(c.upper() if c.isascii() and c.isalnum() else "_" for c in text)
    return cleaned.lstrip("_") or "EXTRA"
