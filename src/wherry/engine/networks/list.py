"""Listing networks."""

from typing import TYPE_CHECKING

from wherry.engine.filters import Filters, check_keys, has_labels, matches, wanted_truth
from wherry.errors import InvalidArgument
from wherry.store.networks import Network, endpoints_on, ensure_default_networks
from wherry.store.networks import list_networks as list_rows

if TYPE_CHECKING:
    from wherry.engine.engine import Engine

KEYS = frozenset({"dangling", "driver", "id", "label", "name", "scope", "type"})
BUILT_IN = frozenset({"bridge", "host", "none"})


class InvalidNetworkType(InvalidArgument):
    """As Docker words it."""

    def __init__(self, kind: str) -> None:
        super().__init__(f"invalid filter: 'type'='{kind}'")


def list_networks(engine: "Engine", filters: Filters | None = None) -> list[Network]:
    """The networks that pass `filters`, by name. The three built-in ones are always there."""
    filters = filters or {}
    check_keys(filters, KEYS)
    for kind in filters.get("type", ()):
        if kind not in ("builtin", "custom"):
            raise InvalidNetworkType(kind)
    dangling = wanted_truth(filters, "dangling")
    ensure_default_networks(engine.store)
    return [
        network
        for network in list_rows(engine.store)
        if _passes(network, filters)
        and (dangling is None or _is_dangling(engine, network) == dangling)
    ]


def _passes(network: Network, filters: Filters) -> bool:
    kind = "builtin" if network.name in BUILT_IN else "custom"
    chosen = {
        "driver": lambda value: network.driver == value,
        "scope": lambda value: network.scope == value,
        "type": lambda value: kind == value,
    }
    return (
        matches(filters, "id", network.id)
        and matches(filters, "name", network.name)
        and has_labels(network.labels, filters.get("label", ()))
        and all(any(map(test, filters[key])) for key, test in chosen.items() if filters.get(key))
    )


def _is_dangling(engine: "Engine", network: Network) -> bool:
    return network.name not in BUILT_IN and not endpoints_on(engine.store, network.id)
