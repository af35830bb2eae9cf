"""What a container's name service says by itself: names and addresses on the container's networks.

    web             a name on any of them; several containers may have it: all their addresses
    web.backend     the name on the network called backend
    db              what --link calls a neighbour, for this container alone
    2.0.18.172.in-addr.arpa      who has an address on one of them

It knows nothing of other networks. What it does not know is for the host's resolvers, unless no
network of the container leads outside.
"""

import os
from ipaddress import IPv4Address, IPv6Address

from wherry.network.dns import Code, Name, Query, Type, is_sendable, name_of, reversed_address
from wherry.store.endpoint_names import Joined, addresses_of, joined_networks, name_at
from wherry.store.store import Store
from wherry.values import dataclass

_INTERNET = 1
_MOST_KNOWN = 256  # a container may ask for any names it likes


@dataclass(frozen=True, kw_only=True, slots=True)
class Resolution:
    """Records to answer with, or, with `forward`, nothing that we know of."""

    records: tuple[IPv4Address | IPv6Address | Name, ...] = ()
    code: Code = Code.NO_ERROR
    forward: bool = False


_FORWARD = Resolution(forward=True)
_NO_WAY_OUT = Resolution(code=Code.SERVER_FAILURE)


class Resolver:
    """The answers to a container's queries. They are remembered until anybody commits anything."""

    def __init__(self, store: Store, container_id: str) -> None:
        self._store = store
        self._container_id = container_id
        self._moment: object = None
        self._known: dict[tuple[str, int, int, bool], Resolution] = {}

    def resolve(self, query: Query) -> Resolution:
        """As `resolve` says, which is asked when it may say something else than before."""
        # Before the rows are read: what is committed in between shows the next time.
        moment = self._store.database.moment
        if moment != self._moment or len(self._known) >= _MOST_KNOWN:
            self._known.clear()
            self._moment = moment
        key = (query.text, query.type, query.klass, query.is_standard)
        found = self._known.get(key)
        if found is None:
            found = resolve(self._store, self._container_id, query)
            if len(found.records) < 2:  # of several another one comes first each time
                self._known[key] = found
        return found


def resolve(store: Store, container_id: str, query: Query) -> Resolution:
    """The answer to a query of this container, from the rows as they are now."""
    if not query.is_standard:
        return Resolution(code=Code.NOT_IMPLEMENTED)
    networks = joined_networks(store, container_id)
    if query.klass == _INTERNET:
        found = (
            _names_at(store, networks, query.text)
            if query.type == Type.PTR
            else _addresses(store, networks, query)
        )
        if found is not None:
            return found
    return _FORWARD if any(network.leads_outside for network in networks) else _NO_WAY_OUT


def _addresses(store: Store, networks: list[Joined], query: Query) -> Resolution | None:
    addresses = _by_name(store, networks, query.text)
    if not addresses:
        return None
    # The name is ours, so whatever else is asked about it is nobody else's business.
    version = {Type.A: 4, Type.AAAA: 6}.get(Type(query.type)) if query.type in (1, 28) else None
    return Resolution(records=_rotated([each for each in addresses if each.version == version]))


def _by_name(store: Store, networks: list[Joined], name: str) -> list[IPv4Address | IPv6Address]:
    addresses = [
        address
        for network in networks
        for address in addresses_of(store, network.id, _meant(network, name))
    ]
    if not addresses:
        for network in networks:
            first, _, last = name.rpartition(".")
            if first and last == network.name.lower():
                addresses += addresses_of(store, network.id, _meant(network, first))
    return list(dict.fromkeys(addresses))


def _meant(network: Joined, name: str) -> str:
    return network.links.get(name, name).lower()


def _rotated(
    addresses: list[IPv4Address | IPv6Address],
) -> tuple[IPv4Address | IPv6Address, ...]:
    """Another one first each time: clients take the first."""
    start = os.urandom(1)[0] % len(addresses) if len(addresses) > 1 else 0
    return (*addresses[start:], *addresses[:start])


def _names_at(store: Store, networks: list[Joined], text: str) -> Resolution | None:
    address = reversed_address(text)
    if address is None:
        return None
    for network in networks:
        if name := name_at(store, network.id, address):
            full = name_of(f"{name}.{network.name}")
            # A container's name may be longer than DNS allows.
            return Resolution(records=(full,) if is_sendable(full) else ())
    return None
