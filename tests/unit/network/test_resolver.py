"""What a name service remembers, and answers before its supervisor is all there."""

import marshal
import os
import socket
from collections.abc import Iterator
from contextlib import closing
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

import pytest

from wherry.network import dns
from wherry.network.dns import Code, Query, Type
from wherry.network.resolve import Remembered, Resolution, Resolver
from wherry.shim.names import answer_waiting
from wherry.store.addresses import Subnet
from wherry.store.networks import (
    Network,
    allocate_endpoint,
    find_network,
    insert_network,
    release_endpoints,
)
from wherry.store.store import Store

ONE, TWO = "1" * 64, "2" * 64
SUBNET = Subnet(subnet=IPv4Network("10.9.8.0/24"), gateway=IPv4Address("10.9.8.1"))


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with_one = Store(tmp_path / "root", tmp_path / "run")
    with closing(with_one.database):
        insert_network(with_one, Network(id="", name="net", driver="bridge", subnets=(SUBNET,)))
        join(with_one, ONE, "one")
        yield with_one


def join(store: Store, container_id: str, name: str) -> None:
    network = find_network(store, "net")
    allocate_endpoint(store, network, container_id, names=(name,))


def query(name: str) -> Query:
    return Query(id=7, flags=0x100, name=dns.name_of(name), type=Type.A, klass=1)


def test_a_name_is_known_and_forgotten_as_soon_as_anybody_commits_it(store: Store) -> None:
    other = Store(store.root, store.run)
    resolver = Resolver(store, ONE)
    with closing(other.database):
        assert resolver.resolve(query("two")).forward

        join(other, TWO, "two")
        assert resolver.resolve(query("two")).records == (IPv4Address("10.9.8.3"),)

        release_endpoints(other, TWO)
        assert resolver.resolve(query("two")).forward

        join(store, TWO, "two")  # by the connection that the resolver reads by
        assert resolver.resolve(query("two")).records == (IPv4Address("10.9.8.3"),)


def test_what_is_remembered_does_not_outlive_the_connection(store: Store) -> None:
    resolver = Resolver(store, ONE)
    assert resolver.resolve(query("two")).forward
    store.database.close()

    join(Store(store.root, store.run), TWO, "two")

    assert not resolver.resolve(query("two")).forward


def aged(store: Store) -> None:
    """Nobody has committed for a while."""
    os.utime(f"{store.database.path}-wal", ns=(1, 1))


def test_what_is_noted_holds_in_another_process_until_anybody_commits(store: Store) -> None:
    resolver = Resolver(store, ONE)
    resolver.resolve(query("one"))
    resolver.resolve(query("elsewhere.example"))
    aged(store)
    noted = resolver.note()
    assert noted is not None
    remembered = Remembered(store.database.path, marshal.loads(marshal.dumps(noted)))
    later = Resolver(store, ONE, remembered)

    assert remembered.resolve(query("one")).records == (IPv4Address("10.9.8.2"),)
    assert remembered.resolve(query("elsewhere.example")).forward
    assert later.note() == noted

    other = Store(store.root, store.run)
    with closing(other.database):
        release_endpoints(other, ONE)
        assert remembered.resolve(query("one")).forward
        assert later.resolve(query("one")) == Resolution(code=Code.SERVER_FAILURE)


def test_nothing_is_noted_that_a_commit_under_way_may_change(store: Store) -> None:
    resolver = Resolver(store, ONE)
    resolver.resolve(query("one"))
    assert resolver.note() is None  # in the tick of the clock of the last one

    aged(store)
    other = Store(store.root, store.run)
    with closing(other.database):
        with other.database.write():
            assert resolver.note() is None
        join(other, TWO, "two")
        aged(store)
        assert resolver.note() is None


def test_queries_are_answered_up_to_the_first_that_is_for_others(store: Store) -> None:
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as service,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client,
    ):
        service.bind(("127.0.0.1", 0))
        service.setblocking(False)
        client.connect(service.getsockname())
        for name in ("one", "one", "elsewhere.example", "one"):
            client.send(dns.packed_query(query(name)))

        answer_waiting(Resolver(store, ONE), service)

        client.setblocking(False)
        for _ in range(2):
            assert dns.answer_records(client.recv(512))[2] == [(Type.A, b"\x0a\x09\x08\x02")]
        with pytest.raises(BlockingIOError):
            client.recv(512)
        assert service.recv(512) == dns.packed_query(query("elsewhere.example"))
