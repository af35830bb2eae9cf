"""Calling methods on the system bus: as much of the D-Bus specification as strings need.

    with SystemBus() as bus:
        names = bus.call(ZONE, "getInterfaces", "trusted")

A message is a fixed part, fields in an array, padding to 8 bytes, and a body; all of it is aligned
from its beginning. Only arguments that are strings are sent, and only strings are read.
"""

import os
import socket
import struct
from collections.abc import Iterator
from typing import Self

from wherry.values import dataclass

SOCKET = "/run/dbus/system_bus_socket"
_TIMEOUT = 10.0
_LONGEST = 1 << 20  # bytes of a message that is worth reading
_CALL, _RETURN, _ERROR = 1, 2, 3
_NO_AUTO_START = 2
_PATH, _INTERFACE, _MEMBER, _ERROR_NAME, _REPLY_SERIAL, _DESTINATION, _SIGNATURE = (
    1, 2, 3, 4, 5, 6, 8,
)  # fmt: skip
_FIXED = struct.Struct(
    "=cBBBIII"
)  # order, type, flags, version, body length, serial, fields length
_ORDER = b"l" if struct.pack("=H", 1) == b"\1\0" else b"B"
_NOBODY = ("org.freedesktop.DBus.Error.ServiceUnknown", "org.freedesktop.DBus.Error.NameHasNoOwner")


@dataclass(frozen=True, slots=True)
class Interface:
    """What is called: an interface of an object of a service."""

    service: str
    path: str
    name: str


_BUS = Interface("org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus")


class DBusError(OSError):
    """An error that the other side answered with."""

    def __init__(self, name: str, text: str) -> None:
        super().__init__(0, text or name, name)
        self.name = name


class NoService(DBusError):
    """Nobody on the bus has the name that was called."""


class SystemBus:
    """A connection. Raises OSError when there is no bus, DBusError when it says no."""

    def __init__(self, path: str = SOCKET) -> None:
        self._serial = 0
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
        try:
            self._socket.settimeout(_TIMEOUT)
            self._socket.connect(path)
            self._file = self._socket.makefile("rb")
            self._authenticate()
            self.call(_BUS, "Hello")
        except BaseException:
            self._socket.close()
            raise

    def _authenticate(self) -> None:
        """As who we are: the bus asks the kernel."""
        user = str(os.geteuid()).encode().hex()
        self._socket.sendall(f"\0AUTH EXTERNAL {user}\r\n".encode())
        if not self._file.readline(_LONGEST).startswith(b"OK "):
            raise DBusError("org.freedesktop.DBus.Error.AuthFailed", "the bus knows us not")
        self._socket.sendall(b"BEGIN\r\n")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self._file.close()
        self._socket.close()

    def call(self, interface: Interface, member: str, *arguments: str) -> list[str]:
        """Call a method; the strings in its answer, those of arrays of strings too."""
        self._serial += 1
        self._socket.sendall(_packed(self._serial, interface, member, arguments))
        while True:
            kind, fields, body = self._receive()
            if fields.get(_REPLY_SERIAL) != self._serial or kind not in (_RETURN, _ERROR):
                continue  # a signal
            strings = list(_strings(str(fields.get(_SIGNATURE, "")), body))
            if kind == _RETURN:
                return strings
            name, text = str(fields.get(_ERROR_NAME, "")), strings[0] if strings else ""
            raise (NoService if name in _NOBODY else DBusError)(name, text)

    def _receive(self) -> tuple[int, dict[int, str | int], bytes]:
        fixed = self._read(_FIXED.size)
        order, kind, _, _, length, _, fields_length = _FIXED.unpack(fixed)
        if order != _ORDER or length + fields_length > _LONGEST:
            raise DBusError("org.freedesktop.DBus.Error.InvalidArgs", "a message not to be read")
        fields = self._read(fields_length + -fields_length % 8)[:fields_length]
        return kind, dict(_fields(fields)), self._read(length)

    def _read(self, size: int) -> bytes:
        data = self._file.read(size)
        if len(data) != size:
            raise DBusError("org.freedesktop.DBus.Error.Disconnected", "the bus has hung up")
        return data


def _packed(serial: int, interface: Interface, member: str, arguments: tuple[str, ...]) -> bytes:
    body = b""
    for argument in arguments:
        body = _aligned(body, 4) + _string(argument)
    fields = b""
    for code, kind, text in (
        (_PATH, "o", interface.path),
        (_INTERFACE, "s", interface.name),
        (_MEMBER, "s", member),
        (_DESTINATION, "s", interface.service),
        (_SIGNATURE, "g", "s" * len(arguments)),
    ):
        value = _signature(text) if kind == "g" else _string(text)
        # Aligned as in the message, whose fixed part has a multiple of 8 bytes.
        fields = _aligned(fields, 8) + bytes((code,)) + _signature(kind) + value
    fixed = _FIXED.pack(_ORDER, _CALL, _NO_AUTO_START, 1, len(body), serial, len(fields))
    return _aligned(fixed + fields, 8) + body


def _aligned(data: bytes, to: int) -> bytes:
    return data + bytes(-len(data) % to)


def _string(text: str) -> bytes:
    data = text.encode()
    return struct.pack("=I", len(data)) + data + b"\0"


def _signature(text: str) -> bytes:
    return bytes((len(text),)) + text.encode() + b"\0"


def _fields(data: bytes) -> Iterator[tuple[int, str | int]]:
    at = 0
    while at < len(data):
        code, kind, at = data[at], chr(data[at + 2]), at + 4
        if kind == "g":
            yield code, data[at + 1 : at + 1 + data[at]].decode()
            at += data[at] + 2
        else:
            (number,) = struct.unpack_from("=I", data, at)
            at += 4
            if kind == "u":
                yield code, number
            else:
                yield code, data[at : at + number].decode()
                at += number + 1
        at += -at % 8


def _strings(signature: str, body: bytes) -> Iterator[str]:
    """What is in a body of the signature "s", "as" or several of these; up to anything else."""
    at = 0
    for kind in signature.replace("as", "a"):
        at += -at % 4
        if kind not in ("s", "a"):
            return
        (length,) = struct.unpack_from("=I", body, at)
        at += 4
        end = at + length
        if kind == "s":
            yield body[at:end].decode()
            at = end + 1
            continue
        while at < end:
            at += -at % 4
            (length,) = struct.unpack_from("=I", body, at)
            yield body[at + 4 : at + 4 + length].decode()
            at += 4 + length + 1
