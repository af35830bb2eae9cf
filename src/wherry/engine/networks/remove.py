"""Removing networks."""

from sqlite3 import IntegrityError
from typing import TYPE_CHECKING

from wherry.engine.filters import Filters, check_keys, parse_moment, passes_label_filters
from wherry.errors import PermissionDenied
from wherry.linux.netlink import RouteSocket
from wherry.network import firewall
from wherry.network.bridge import remove_bridge
from wherry.network.sub_links import remove_parent
from wherry.oci.timestamps import parse_timestamp
from wherry.store.containers import list_containers
from wherry.store.networks import (
    Network,
    delete_network,
    endpoints_on,
    ensure_default_networks,
    find_network,
    list_networks,
)
from wherry.store.store import Store

if TYPE_CHECKING:
    from wherry.engine.engine import Engine

PRUNE_KEYS = frozenset({"label", "label!", "until"})


class PredefinedNetworkKept(PermissionDenied):
    def __init__(self, network: Network) -> None:
        super().__init__(f"{network.name} is a pre-defined network and cannot be removed")


class NetworkInUse(PermissionDenied):
    def __init__(self, network: Network, users: list[tuple[str, str]]) -> None:
        listed = ", ".join(f'name:"{name}" id:"{endpoint[:12]}"' for name, endpoint in users)
        super().__init__(
            f"error while removing network: network {network.name} has active endpoints ({listed})"
        )


def remove_network(engine: "Engine", name: str) -> None:
    """Remove the network called `name`; NetworkInUse while a running container is on it."""
    ensure_default_networks(engine.store)
    network = find_network(engine.store, name)
    if network.is_predefined:
        raise PredefinedNetworkKept(network)
    try:
        take_down_network(engine, network)
    except IntegrityError as error:
        raise NetworkInUse(network, _users(engine, network)) from error
    engine.events.publish(
        "network", "destroy", network.id, {"name": network.name, "type": network.driver}
    )


def take_down_network(engine: "Engine", network: Network) -> None:
    """Forget a network, its links and its rules; IntegrityError while an endpoint is on it."""
    store = engine.store
    delete_network(store, network.id, lambda: _remove_links(store, network))
    store.trace("network forgotten")
    if network.bridge:
        firewall.reapply(store, gone=network.bridge)


def _remove_links(store: Store, network: Network) -> None:
    with RouteSocket() as host:
        if network.bridge:
            remove_bridge(host, network)
        else:
            remove_parent(host, network, list_networks(store))
    store.trace("links of network removed")


def _users(engine: "Engine", network: Network) -> list[tuple[str, str]]:
    names = {container.id: container.name for container in list_containers(engine.store)}
    endpoints = endpoints_on(engine.store, network.id)
    return [(names.get(one.container_id, one.container_id[:12]), one.id) for one in endpoints]


def prune_networks(engine: "Engine", filters: Filters | None = None) -> list[str]:
    """Remove the networks of users on which no container is; their names."""
    filters = filters or {}
    check_keys(filters, PRUNE_KEYS)
    until = min((parse_moment(text) for text in filters.get("until", ())), default=None)
    wanted = {
        "bridge" if attachment.network == "default" else attachment.network
        for container in list_containers(engine.store)
        for attachment in container.config.attachments
    }
    removed = []
    for network in list_networks(engine.store):
        if network.is_predefined or {network.name, network.id} & wanted:
            continue  # also when the container that is to be on it does not run now
        if until is not None and parse_timestamp(network.created) >= until:
            continue
        if not passes_label_filters(network.labels, filters):
            continue
        try:
            remove_network(engine, network.id)
        except NetworkInUse:
            continue
        removed.append(network.name)
    engine.events.publish("network", "prune", "", {"reclaimed": "0"})
    return removed
