"""What a container's name service says by itself: names and addresses on the container's networks.

    web             a name on any of them; several containers may have it: all their addresses
    web.backend     the name on the network called backend
    db              what --link calls a neighbour, for this container alone
    2.0.18.172.in-addr.arpa      who has an address on one of them

It knows nothing of other networks. What it does not know is for the host's resolvers, unless no
network of the container leads outside.
"""

import os
from collections.abc import Mapping
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path

from wherry.network.dns import Code, Name, Query, Type, is_sendable, name_of, reversed_address
from wherry.store.database import state_of_log
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


_Key = tuple[str, int, int, bool]
_Record = bytes | Name  # an address as it is sent, or a name
_State = tuple[int, int, int]
# What another process can be told, as `marshal` takes it.
Noted = tuple[_State, list[tuple[_Key, list[_Record], int]]]


class Remembered:
    """What a resolver of another process has noted. It holds until anybody commits anything.

    Whether somebody has is seen without opening the database, which takes as long as a hundred
    answers.
    """

    def __init__(self, database: Path, noted: Noted) -> None:
        self.noted = noted
        self._database = database
        self._state, entries = noted
        self._known: Mapping[_Key, Resolution] = {
            key: Resolution(records=tuple(map(_unpacked, records)), code=Code(code))
            for key, records, code in entries
        }

    @property
    def holds(self) -> bool:
        return state_of_log(self._database) == self._state

    def resolve(self, query: Query) -> Resolution:
        """The answer; to be forwarded, or asked of the rows, what is not known here."""
        found = self._known.get(_key(query))
        return found if found is not None and self.holds else _FORWARD


class Resolver:
    """The answers to a container's queries. They are remembered until anybody commits anything."""

    def __init__(
        self, store: Store, container_id: str, remembered: Remembered | None = None
    ) -> None:
        self._store = store
        self._container_id = container_id
        self._remembered = remembered
        self._moment: object = None
        self._known: dict[_Key, Resolution] = {}

    def resolve(self, query: Query) -> Resolution:
        """As `resolve` says, which is asked when it may say something else than before."""
        if self._remembered is not None:
            found = self._remembered.resolve(query)
            if not found.forward:
                return found
        # Before the rows are read: what is committed in between shows the next time.
        moment = self._store.database.moment
        if moment != self._moment or len(self._known) >= _MOST_KNOWN:
            self._known.clear()
            self._moment = moment
        key = _key(query)
        known = self._known.get(key)
        if known is None:
            known = resolve(self._store, self._container_id, query)
            if len(known.records) < 2:  # of several another one comes first each time
                self._known[key] = known
        return known

    def note(self) -> Noted | None:
        """What is known for sure, for another process."""
        if self._moment is None:  # nothing has been asked but what was known before
            before = self._remembered
            return before.noted if before is not None and before.holds else None
        if not self._store.database.is_open:
            return None  # to open it anew would cost more than it may save
        state = self._store.database.settled_state()
        # In this order: a commit after both shows by the state, one before by the moment.
        if state is None or self._store.database.moment != self._moment:
            return None
        return state, [
            (key, [_packed(record) for record in found.records], int(found.code))
            for key, found in self._known.items()
            if not found.forward
        ]


def _key(query: Query) -> _Key:
    return query.text, int(query.type), query.klass, query.is_standard


def _packed(record: IPv4Address | IPv6Address | Name) -> _Record:
    return record if isinstance(record, tuple) else record.packed


def _unpacked(record: _Record) -> IPv4Address | IPv6Address | Name:
    return record if isinstance(record, tuple) else ip_address(record)


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
