"""Where the service listens: `-H unix://PATH`, `tcp://HOST:PORT`, `fd://`.

Whoever may talk to the service is root on this machine. So a socket in the filesystem is its
owner's and a group's alone, and a port of the network asks for certificates unless its user has
said that anybody may.
"""

import os
import socket
import ssl
import stat
from contextlib import suppress
from grp import getgrnam
from pathlib import Path

from wherry.errors import Conflict, InvalidArgument
from wherry.shim.client import with_address
from wherry.values import dataclass

_FIRST_PASSED = 3  # sd_listen_fds(3)
_BACKLOG = 1024


class AddressInUse(Conflict):
    def __init__(self, address: str) -> None:
        super().__init__(f"another service answers at {address}")


class InvalidAddress(InvalidArgument):
    def __init__(self, address: str) -> None:
        super().__init__(
            f"invalid address {address!r}: it is unix://PATH, tcp://HOST:PORT or fd://"
        )


class Unprotected(InvalidArgument):
    def __init__(self, address: str) -> None:
        super().__init__(
            f"{address} would give everyone who reaches it this machine",
            hint="add --tlsverify with --tlscacert, --tlscert and --tlskey,"
            " or --insecure-tcp if that is what you want",
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class TLSFiles:
    """Certificates: the authority that signs clients', our own, and its key."""

    authority: str
    certificate: str
    key: str

    def context(self) -> ssl.SSLContext:
        """Clients must show a certificate that the authority has signed."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(self.authority)
        context.load_cert_chain(self.certificate, self.key)
        return context


@dataclass(frozen=True, kw_only=True, slots=True)
class Listener:
    """A listening socket; `path` is what to remove at the end."""

    address: str
    socket: socket.socket
    tls: ssl.SSLContext | None = None
    path: Path | None = None

    @property
    def is_unix(self) -> bool:
        return self.socket.family == socket.AF_UNIX

    def remove(self) -> None:
        if self.path is not None:
            self.path.unlink(missing_ok=True)


def open_listeners(
    addresses: list[str], *, group: str = "", tls: TLSFiles | None = None, insecure: bool = False
) -> list[Listener]:
    """A listener for each address, or several for `fd://`."""
    listeners: list[Listener] = []
    for address in addresses:
        scheme, separator, rest = address.partition("://")
        if not separator:
            raise InvalidAddress(address)
        if scheme == "unix" and rest.startswith("/"):
            listeners.append(_unix(address, Path(rest), group))
        elif scheme == "tcp":
            listeners.append(_tcp(address, rest, tls, insecure=insecure))
        elif scheme == "fd":
            listeners += _passed(address, tls, insecure=insecure)
        else:
            raise InvalidAddress(address)
    return listeners


def _unix(address: str, path: Path, group: str) -> Listener:
    number = _group_number(group) if group else -1
    with suppress(FileNotFoundError):
        if not stat.S_ISSOCK(path.lstat().st_mode):
            raise Conflict(f"{path} is there and no socket")
        if _answers(path):
            raise AddressInUse(address)
        path.unlink()
    path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
    before = os.umask(0o177)  # nobody else gets in before it has its group
    try:
        with_address(str(path), listening.bind)
    finally:
        os.umask(before)
    if number >= 0:
        os.chown(path, -1, number)
    path.chmod(0o660)
    listening.listen(_BACKLOG)
    return Listener(address=address, socket=listening, path=path)


def _group_number(group: str) -> int:
    if group.isdecimal():
        return int(group)
    try:
        return getgrnam(group).gr_gid
    except KeyError:
        raise InvalidArgument(f"there is no group {group!r}") from None


def _answers(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC) as asking:
        try:
            with_address(str(path), asking.connect)
        except OSError:
            return False
        return True


def _tcp(address: str, rest: str, tls: TLSFiles | None, *, insecure: bool) -> Listener:
    host, _, port = rest.rpartition(":")
    if not (port.isascii() and port.isdigit() and int(port) < 1 << 16):
        raise InvalidAddress(address)
    if tls is None and not insecure:
        raise Unprotected(address)
    host = host.strip("[]") or "127.0.0.1"
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.create_server((host, int(port)), family=family, backlog=_BACKLOG)
    return Listener(address=address, socket=listening, tls=tls.context() if tls else None)


def _passed(address: str, tls: TLSFiles | None, *, insecure: bool) -> list[Listener]:
    """The sockets that systemd has opened for us, sd_listen_fds(3)."""
    count = os.environ.pop("LISTEN_FDS", "")
    # For this process alone: what it starts is not to take them for its own.
    mine = os.environ.pop("LISTEN_PID", "") == str(os.getpid())
    if not (mine and count.isascii() and count.isdigit()):
        raise InvalidArgument(f"{address}: this process was not given any sockets")
    listeners = []
    for descriptor in range(_FIRST_PASSED, _FIRST_PASSED + int(count)):
        os.set_inheritable(descriptor, False)
        listening = socket.socket(fileno=descriptor)
        if not listening.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
            raise InvalidArgument(f"{address}: descriptor {descriptor} is no listening socket")
        is_unix = listening.family == socket.AF_UNIX
        if not is_unix and tls is None and not insecure:
            raise Unprotected(address)
        context = tls.context() if tls is not None and not is_unix else None
        listeners.append(Listener(address=address, socket=listening, tls=context))
    return listeners
