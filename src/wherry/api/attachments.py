"""Clients that attach to a container before it is started: `docker run` does.

Their connections are kept here and go to the shim with the request that starts the container, so
that they see its first byte. When another process starts it they are attached as soon as that is
known.
"""

from wherry.api.hijack import Hijacked
from wherry.values import dataclass

_MOST = 4096  # over all containers
TOGETHER = 8  # as many as one request to the launcher takes


@dataclass(frozen=True, slots=True)
class WaitingClient:
    """A connection, and what its owner wants of the streams, as the shim's requests say it."""

    connection: Hijacked
    wanted: dict[str, object]


class WaitingClients:
    """By the IDs of their containers. To be used in the event loop alone."""

    def __init__(self) -> None:
        self._clients: dict[str, list[WaitingClient]] = {}

    def add(self, container_id: str, client: WaitingClient) -> bool:
        """Keep it; False when there are too many."""
        if sum(map(len, self._clients.values())) >= _MOST:
            return False
        self._clients.setdefault(container_id, []).append(client)
        return True

    def take(self, container_id: str) -> list[WaitingClient]:
        """All of them; they are the caller's from here on."""
        return self._clients.pop(container_id, [])
