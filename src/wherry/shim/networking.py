"""What the supervisor serves for a container's networks: published ports and its name service."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from wherry.network.connected import Connected
from wherry.network.ports import Published
from wherry.shim.loop import READ, Loop
from wherry.store.store import Store

if TYPE_CHECKING:
    from wherry.shim.names import NameService


class Networking:
    """The network side of one run. Joining and leaving networks changes what is served."""

    def __init__(
        self,
        loop: Loop,
        store: Store,
        container_id: str,
        connected: Connected,
        when_quiet: Callable[[], None],
    ) -> None:
        self._loop = loop
        self._store = store
        self._container_id = container_id
        self._when_quiet = when_quiet
        self._names: NameService | None = None
        self.connected = Connected()
        self.serve(connected)

    def serve(self, connected: Connected) -> None:
        """Serve `connected` from now on; its ports were not watched until now."""
        self.connected = connected
        published = connected.published
        # Closed when they could not be published again by another network.
        if published is not None and published.is_open:
            self._loop.watch(published.fileno(), READ, lambda _events: self._forward(published))
        if connected.names is not None and self._names is None:
            from wherry.shim.names import NameService  # for networks that have names

            self._names = NameService(
                self._loop, self._store, self._container_id, connected.names, self._when_quiet
            )

    def pause(self) -> Connected:
        """No longer watch the ports, which are about to be changed; what is open."""
        if self.connected.published is not None:
            self._loop.forget(self.connected.published.fileno())
        return self.connected

    def close(self) -> None:
        connected, self.connected = self.pause(), Connected()
        names, self._names = self._names, None
        if names is not None:
            names.close()
        if connected.published is not None:
            connected.published.close()

    def process_reaped(self, pid: int) -> None:
        """A child of ours has ended; it may have been what forwards for the ports."""
        published = self.connected.published
        if published is not None and published.forwarder_pid == pid:
            published.forwarder_ended()

    def _forward(self, published: Published) -> None:
        """Something has come to a port that the packet filter cannot carry."""
        published.forward()
