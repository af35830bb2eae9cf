"""Calling methods over D-Bus: its message protocol and the authentication by who one is.

    with SystemBus() as bus:
        trusted, = bus.call(ZONE, "getInterfaces", "s", "trusted")

A message is a fixed part, fields in an array, padding to 8 bytes, and a body. With a bus a
connection says Hello first; without one between, as on systemd's own socket, it just calls.
"""

import socket
import struct
from collections.abc import Iterator
from typing import NamedTuple, Self

from wherry.linux.dbus_values import Value, Variant, packed, unpacked
from wherry.linux.idmap import user_in_parent_namespace
from wherry.values import dataclass

SOCKET = "/run/dbus/system_bus_socket"
_PATIENCE = 30.0  # seconds for an answer
_LONGEST = 1 << 20  # bytes of a message that is worth reading
_CALL, _RETURN, _ERROR, _SIGNAL = 1, 2, 3, 4
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
        self.text = text or name


class NoService(DBusError):
    """Nobody on the bus has the name that was called."""


class Signal(NamedTuple):
    """What the other side tells unasked."""

    member: str
    values: list[Value]


class Connection:
    """To whoever listens on the socket `path`. Raises OSError when nobody does."""

    def __init__(self, path: str) -> None:
        self._serial = 0
        self._signals: list[Signal] = []  # that came while an answer was awaited
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
        try:
            self._socket.settimeout(_PATIENCE)
            try:
                self._socket.connect(path)
            except OSError as error:
                error.filename = path
                raise
            self._file = self._socket.makefile("rb")
            self._authenticate()
        except BaseException:
            self._socket.close()
            raise

    def _authenticate(self) -> None:
        """As who we are outside of a user namespace: the other side asks the kernel."""
        user = str(user_in_parent_namespace()).encode().hex()
        # At once: where systemd reads BEGIN together with a short call, it forgets about the call
        # until more comes.
        self._socket.sendall(f"\0AUTH EXTERNAL {user}\r\nBEGIN\r\n".encode())
        if not self._file.readline(_LONGEST).startswith(b"OK "):
            raise DBusError("org.freedesktop.DBus.Error.AuthFailed", "this user is not known")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self._file.close()
        self._socket.close()

    def call(
        self, interface: Interface, member: str, signature: str = "", *arguments: Value
    ) -> list[Value]:
        """Call a method; what it returns. Raises DBusError when the other side says no."""
        self._serial += 1
        self._socket.sendall(_message(self._serial, interface, member, signature, arguments))
        while True:
            kind, fields, values = self._receive()
            if kind == _SIGNAL:
                self._signals.append(Signal(str(fields.get(_MEMBER, "")), values))
            if fields.get(_REPLY_SERIAL) != self._serial or kind not in (_RETURN, _ERROR):
                continue
            if kind == _RETURN:
                return values
            name, text = str(fields.get(_ERROR_NAME, "")), str(values[0]) if values else ""
            raise (NoService if name in _NOBODY else DBusError)(name, text)

    def signals(self) -> Iterator[Signal]:
        """Signals as they come, without end, those that came during calls first.

        Raises OSError when none has come for a while."""
        while True:
            while self._signals:
                yield self._signals.pop(0)
            kind, fields, values = self._receive()
            if kind == _SIGNAL:
                yield Signal(str(fields.get(_MEMBER, "")), values)

    def _receive(self) -> tuple[int, dict[int, Value], list[Value]]:
        order, kind, _, _, length, _, fields_length = _FIXED.unpack(self._read(_FIXED.size))
        if order != _ORDER or length + fields_length > _LONGEST:
            raise DBusError("org.freedesktop.DBus.Error.InvalidArgs", "a message not to be read")
        head = struct.pack("=I", fields_length) + bytes(4) + self._read(fields_length)
        self._read(-fields_length % 8)
        body = self._read(length)
        try:
            # The array's elements begin at a multiple of 8, in the message as here.
            (pairs,) = unpacked("a(yv)", head)
            assert isinstance(pairs, list)
            fields = dict(_field(pair) for pair in pairs)
            return kind, fields, unpacked(str(fields.get(_SIGNATURE, "")), body)
        except ValueError as error:
            raise DBusError("org.freedesktop.DBus.Error.InvalidArgs", str(error)) from error

    def _read(self, size: int) -> bytes:
        data = self._file.read(size)
        if len(data) != size:
            raise DBusError("org.freedesktop.DBus.Error.Disconnected", "the other side hung up")
        return data


class SystemBus(Connection):
    """The machine's message bus."""

    def __init__(self, path: str = SOCKET) -> None:
        super().__init__(path)
        try:
            self.call(_BUS, "Hello")
        except BaseException:
            self.__exit__()
            raise


def _field(pair: Value) -> tuple[int, Value]:
    if isinstance(pair, tuple):
        code, value = pair
        if isinstance(code, int) and isinstance(value, Variant):
            return code, value.value
    raise ValueError("a D-Bus message whose fields cannot be read")


def _message(
    serial: int, interface: Interface, member: str, signature: str, arguments: tuple[Value, ...]
) -> bytes:
    fields: list[Value] = [
        (_PATH, Variant("o", interface.path)),
        (_INTERFACE, Variant("s", interface.name)),
        (_MEMBER, Variant("s", member)),
        (_DESTINATION, Variant("s", interface.service)),
        (_SIGNATURE, Variant("g", signature)),
    ]
    body = packed(signature, arguments)
    # Aligned as in the message, whose fixed part up to the array has 12 bytes: 4 of them are put
    # in front, and are the array's own length.
    array = packed("ua(yv)", (0, fields))[4:]
    fixed = _FIXED.pack(_ORDER, _CALL, _NO_AUTO_START, 1, len(body), serial, 0)[:-4]
    head = fixed + array
    return head + bytes(-len(head) % 8) + body
