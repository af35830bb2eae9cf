"""What the client of a build answers for: secrets, credentials, ssh agents, each when it is needed.

The service has the client's session, and for each of its builds a socket at which the builder and
all the forks of it ask, one question on a connection:

    builder    a line of JSON, ["secret", "ID"], and the end
    service    + and the answer, - where there is none, ! and why it failed; the end
"""

import json
import socket
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TypeVar

from wherry.build.order import Secret
from wherry.errors import Unavailable
from wherry.registry.credentials import Credential
from wherry.shim.client import with_address
from wherry.values import dataclass

V = TypeVar("V")

SECRET, CREDENTIAL, AGENT = "secret", "credential", "agent"
FOUND, MISSING, FAILED = b"+", b"-", b"!"
_READ = 1 << 16
_HUB = "docker.io"
_HUB_HOST = "registry-1.docker.io"  # what BuildKit calls it to its clients


def ask(path: str, what: str, name: str) -> bytes | None:
    """The answer to one question; None where the client has none."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC) as asking:
        with_address(path, asking.connect)
        asking.sendall(json.dumps([what, name]).encode())
        asking.shutdown(socket.SHUT_WR)
        answer = b""
        while data := asking.recv(_READ):
            answer += data
    if answer[:1] == FOUND:
        return answer[1:]
    if answer[:1] == MISSING:
        return None
    raise Unavailable(answer[1:].decode("utf-8", "replace") or "the client has gone")


class _Asked(Mapping[str, V]):
    """A mapping whose values are asked for. What it holds cannot be known."""

    def __init__(self, find: Callable[[str], V | None]) -> None:
        self._find = find

    def __getitem__(self, name: str) -> V:
        found = self._find(name)
        if found is None:
            raise KeyError(name)
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Offers:
    """By the names that a Dockerfile has for them; credentials by the domains of registries."""

    secrets: Mapping[str, Secret]
    agents: Mapping[str, Path]
    credentials: Mapping[str, Credential]


def offers_at(path: str) -> Offers:
    """What the client of the build whose questions go to `path` answers for."""

    def secret(name: str) -> Secret | None:
        value = ask(path, SECRET, name)
        return None if value is None else Secret(read=lambda: value)

    def agent(name: str) -> Path | None:
        place = ask(path, AGENT, name)
        return None if place is None else Path(place.decode())

    def credential(domain: str) -> Credential | None:
        answer = ask(path, CREDENTIAL, _HUB_HOST if domain == _HUB else domain)
        return None if answer is None else Credential(**json.loads(answer))

    return Offers(secrets=_Asked(secret), agents=_Asked(agent), credentials=_Asked(credential))
