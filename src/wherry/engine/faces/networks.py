"""`Engine().networks`."""

import builtins
from typing import TYPE_CHECKING

from wherry.engine.filters import Filters
from wherry.engine.networks.inspect import inspect_network
from wherry.engine.networks.list import list_networks
from wherry.store.networks import Network

if TYPE_CHECKING:
    from wherry.engine.engine import Engine


class Networks:
    def __init__(self, engine: "Engine") -> None:
        self._engine = engine

    def list(self, filters: Filters | None = None) -> builtins.list[Network]:
        return list_networks(self._engine, filters)

    def inspect(self, name: str) -> dict[str, object]:
        """Docker's document about a network."""
        return inspect_network(self._engine, name)
