"""Scopes of systemd: control groups that it makes, knows of, and leaves to whoever asked for them.

The program speaks D-Bus with systemd itself, on the socket that it keeps for root: no bus between,
no library. One call (org.freedesktop.systemd1.Manager.StartTransientUnit) queues a job, and a
signal tells its end. The D-Bus specification has the rest: "Message Protocol" and "Authentication".

    -> AUTH EXTERNAL <uid>, BEGIN
    -> StartTransientUnit(name, "fail", properties, [])
    <- the job's path
    <- JobRemoved(number, path, unit, "done")
"""

import os
import signal
import socket
from collections.abc import Mapping
from contextlib import contextmanager
from struct import pack, unpack_from

from wherry.linux.process import PrctlOption, prctl
from wherry.values import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

SOCKET = "/run/systemd/private"
_DESTINATION = "org.freedesktop.systemd1"
_PATH = "/org/freedesktop/systemd1"
_INTERFACE = "org.freedesktop.systemd1.Manager"
_PATIENCE = 30.0  # seconds for systemd to answer
_LARGEST = 1 << 20  # bytes of a message from it

_CALL, _RETURN, _ERROR, _SIGNAL = 1, 2, 3, 4
_FIELD_PATH, _FIELD_INTERFACE, _FIELD_MEMBER = 1, 2, 3
_FIELD_REPLY_SERIAL, _FIELD_DESTINATION, _FIELD_SIGNATURE = 5, 6, 8
_SERIAL = 1

Property = tuple[str, str | bool | int | list[int]]  # D-Bus signature, value


class SystemdRefused(OSError):
    """What systemd answered instead of a unit."""


def has_systemd() -> bool:
    """Whether systemd is what runs this machine, and may be asked: sd_booted(3)."""
    return os.path.isdir("/run/systemd/system") and os.access(SOCKET, os.W_OK)


def split_path(path: str) -> tuple[str, str]:
    """The slice and the unit of a cgroup that is a scope: /a.slice/a-b.slice/c.scope."""
    above, _, unit = path.rpartition("/")
    return above.rpartition("/")[2] or "-.slice", unit


@contextmanager
def started_scope(path: str, description: str, more: Mapping[str, Property]) -> "Iterator[None]":
    """Have the scope whose cgroup is `path` while the block fills it; OSError without.

    A scope begins with a process and ends with its last one: a child of ours holds the place.
    For a program with one thread.
    """
    slice_name, unit = split_path(path)
    child = os.fork()
    if child == 0:
        try:
            prctl(PrctlOption.SET_PDEATHSIG, signal.SIGKILL)
            while True:
                signal.pause()
        finally:
            os._exit(0)
    try:
        _start_unit(
            unit,
            {
                "Description": ("s", description),
                "Slice": ("s", slice_name),
                "PIDs": ("au", [child]),
                "Delegate": ("b", True),
                "DefaultDependencies": ("b", False),
                **{f"{kind}Accounting": ("b", True) for kind in ("CPU", "Memory", "IO", "Tasks")},
                **more,
            },
        )
        yield
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


def _start_unit(unit: str, properties: Mapping[str, Property]) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
        sock.settimeout(_PATIENCE)
        try:
            sock.connect(SOCKET)
        except OSError as error:
            raise OSError(error.errno, error.strerror, SOCKET) from None
        sock.sendall(b"\0AUTH EXTERNAL %b\r\nBEGIN\r\n" % str(os.geteuid()).encode().hex().encode())
        sock.sendall(_call("StartTransientUnit", unit, properties))
        stream = sock.makefile("rb")
        if not stream.readline(256).startswith(b"OK "):
            raise SystemdRefused(13, "systemd does not know this user", SOCKET)
        job = ""
        ended: dict[str, str] = {}  # a job may end before the call for it is answered
        while not job or job not in ended:
            message = _read_message(stream.read)
            if message.kind == _ERROR and message.reply_to == _SERIAL:
                raise SystemdRefused(22, _strings(message.body, 1)[0], unit)
            if message.kind == _RETURN and message.reply_to == _SERIAL:
                (job,) = _strings(message.body, 1)
            elif message.kind == _SIGNAL and message.member == "JobRemoved":
                path, _, result = _strings(message.body[4:], 3)
                ended[path] = result
        if ended[job] != "done":
            raise SystemdRefused(22, f"systemd could not start it: {ended[job]}", unit)


# ---- D-Bus, little endian: the marshalling that these messages need


def _call(member: str, unit: str, properties: Mapping[str, Property]) -> bytes:
    body = _string(unit) + b"\0" * (-len(_string(unit)) % 4) + _string("fail")
    items = b""
    for name, (signature, value) in properties.items():
        items += b"\0" * (-len(items) % 8) + _string(name)
        items += _signature(signature)
        items += _value(signature, value, len(items))
    body += b"\0" * (-len(body) % 4) + pack("<I", len(items))
    body += b"\0" * (-len(body) % 8) + items
    body += b"\0" * (-len(body) % 4) + pack("<I", 0)  # no further units
    body += b"\0" * (-len(body) % 8)
    fields = b""
    for code, signature, text in (
        (_FIELD_PATH, "o", _PATH),
        (_FIELD_INTERFACE, "s", _INTERFACE),
        (_FIELD_MEMBER, "s", member),
        (_FIELD_DESTINATION, "s", _DESTINATION),
        (_FIELD_SIGNATURE, "g", "ssa(sv)a(sa(sv))"),
    ):
        fields += b"\0" * (-len(fields) % 8) + bytes((code,)) + _signature(signature)
        fields += _signature(text) if signature == "g" else _value("s", text, len(fields))
    head = pack("<cBBBIII", b"l", _CALL, 0, 1, len(body), _SERIAL, len(fields)) + fields
    return head + b"\0" * (-len(head) % 8) + body


def _string(text: str) -> bytes:
    data = text.encode()
    return pack("<I", len(data)) + data + b"\0"


def _signature(text: str) -> bytes:
    return bytes((len(text),)) + text.encode() + b"\0"


def _value(signature: str, value: object, at: int) -> bytes:
    """A value at offset `at`, with what it takes to begin at a multiple of its size."""
    if isinstance(value, str):
        return b"\0" * (-at % 4) + _string(value)
    if isinstance(value, list):
        return b"\0" * (-at % 4) + pack(f"<I{len(value)}I", 4 * len(value), *value)
    if signature == "t":
        return b"\0" * (-at % 8) + pack("<Q", value)
    return b"\0" * (-at % 4) + pack("<I", value)


@dataclass(frozen=True, slots=True)
class _Message:
    kind: int
    reply_to: int
    member: str
    body: bytes


def _read_message(read: "Reader") -> _Message:
    head = _exactly(read, 16)
    kind, length, fields_length = head[1], *unpack_from("<I", head, 4), *unpack_from("<I", head, 12)
    if head[:1] != b"l" or length + fields_length > _LARGEST:
        raise SystemdRefused(71, "systemd does not speak D-Bus here", SOCKET)
    fields = _exactly(read, fields_length + -fields_length % 8)
    reply_to, member, at = 0, "", 0
    while at < fields_length:
        at += -at % 8
        code, kind_of_value = fields[at], chr(fields[at + 2])
        at += 4  # the code, and a signature of one letter
        if kind_of_value == "g":
            at += fields[at] + 2
            continue
        (number,) = unpack_from("<I", fields, at)
        at += 4
        if code == _FIELD_REPLY_SERIAL:
            reply_to = number
        elif kind_of_value in "so":
            if code == _FIELD_MEMBER:
                member = fields[at : at + number].decode()
            at += number + 1
    return _Message(kind, reply_to, member, _exactly(read, length))


def _exactly(read: "Reader", length: int) -> bytes:
    data = read(length)
    if len(data) < length:
        raise SystemdRefused(104, "systemd has closed the connection", SOCKET)
    return data


def _strings(body: bytes, count: int) -> list[str]:
    """The first strings or object paths of a body."""
    found = []
    at = 0
    for _ in range(count):
        at += -at % 4
        (length,) = unpack_from("<I", body, at)
        found.append(body[at + 4 : at + 4 + length].decode(errors="replace"))
        at += 4 + length + 1
    return found


if TYPE_CHECKING:
    from collections.abc import Callable

    Reader = Callable[[int], bytes]
