import threading
from collections.abc import Iterator
from ipaddress import IPv4Address, IPv4Interface, IPv4Network, ip_address, ip_network
from pathlib import Path

import pytest

from wherry.errors import InvalidArgument, NotFound, PermissionDenied
from wherry.store.addresses import Subnet, choose_address, mac_address_for
from wherry.store.networks import (
    Network,
    allocate_endpoint,
    endpoints_of,
    ensure_default_networks,
    find_network,
    insert_network,
    list_networks,
    release_endpoints,
)
from wherry.store.store import Store
from wherry.store.subnets import choose_subnet, default_bridge_candidates

SMALL = Network(
    id="",
    name="small",
    driver="bridge",
    subnets=(Subnet(subnet=IPv4Network("10.9.8.0/29"), gateway=IPv4Address("10.9.8.1")),),
)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made = Store(tmp_path / "root", tmp_path / "run")
    yield made
    made.database.close()


@pytest.fixture
def small(store: Store) -> Network:
    insert_network(store, SMALL)
    return find_network(store, "small")


def container(number: int) -> str:
    return f"{number:012x}".ljust(64, "0")


def test_bridge_host_and_none_are_always_there(store: Store) -> None:
    ensure_default_networks(store)
    ensure_default_networks(store)
    found = {network.name: network.driver for network in list_networks(store)}
    assert found == {"bridge": "bridge", "host": "host", "none": "null"}


def test_a_network_is_found_by_name_id_and_prefix(store: Store, small: Network) -> None:
    for name in ("small", small.id, small.id[:7]):
        assert find_network(store, name) == small
    with pytest.raises(NotFound, match=r"^network n not found$"):
        find_network(store, "n")


def test_addresses_are_handed_out_from_the_lowest_until_none_is_left(
    store: Store, small: Network
) -> None:
    given = [str(allocate_endpoint(store, small, container(n)).ipv4) for n in range(5)]
    assert given == [f"10.9.8.{last}/29" for last in (2, 3, 4, 5, 6)]
    with pytest.raises(PermissionDenied, match="no available IPv4 addresses on this network"):
        allocate_endpoint(store, small, container(9))
    release_endpoints(store, container(1))
    assert str(allocate_endpoint(store, small, container(9)).ipv4) == "10.9.8.3/29"


def test_an_endpoint_is_read_back_as_it_was_allocated(store: Store, small: Network) -> None:
    endpoint = allocate_endpoint(
        store, small, container(1), ipv4="10.9.8.5", mac="92:d0:c6:0a:29:33", aliases=["db"]
    )
    assert endpoints_of(store, container(1)) == [endpoint]
    assert endpoint.interface == "eth0"
    assert len(endpoint.host_link) == 15
    assert container(1)[:12] in endpoint.host_link


def test_a_second_start_takes_over_the_claim_of_a_killed_one(store: Store, small: Network) -> None:
    first = allocate_endpoint(store, small, container(1))
    second = allocate_endpoint(store, small, container(1))
    assert first.ipv4 == second.ipv4
    assert endpoints_of(store, container(1)) == [second]


def test_requested_addresses_are_refused_in_dockers_words(store: Store, small: Network) -> None:
    allocate_endpoint(store, small, container(1), ipv4="10.9.8.5")
    for taken in ("10.9.8.5", "10.9.8.1"):
        with pytest.raises(PermissionDenied, match=r"^Address already in use$"):
            allocate_endpoint(store, small, container(2), ipv4=taken)
    with pytest.raises(InvalidArgument, match="no configured subnet contains IP"):
        allocate_endpoint(store, small, container(2), ipv4="10.1.1.1")


def test_starters_at_once_get_different_addresses(store: Store, tmp_path: Path) -> None:
    ensure_default_networks(store)
    addresses: list[object] = []

    def start(number: int) -> None:
        own = Store(tmp_path / "root", tmp_path / "run")
        for turn in range(10):
            bridge = find_network(own, "bridge")
            addresses.append(allocate_endpoint(own, bridge, container(number * 100 + turn)).ipv4)
        own.database.close()

    threads = [threading.Thread(target=start, args=(number,)) for number in range(1, 5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(addresses)) == len(addresses) == 40


def test_a_range_limits_what_is_handed_out_and_not_what_may_be_asked_for() -> None:
    pool = Subnet(subnet=ip_network("10.0.0.0/16"), ip_range=ip_network("10.0.5.0/30"))
    assert str(choose_address([pool], set(), None)) == "10.0.5.0/16"
    assert str(choose_address([pool], set(), ip_address("10.0.9.9"))) == "10.0.9.9/16"


def test_a_mac_address_is_local_unicast_and_stays_with_the_ip_address() -> None:
    interfaces = [IPv4Interface(f"10.0.0.{last}/16") for last in range(1, 51)]
    addresses = [mac_address_for("n", interface) for interface in interfaces]
    assert len(set(addresses)) == len(interfaces)
    assert all(int(address[:2], 16) & 3 == 2 for address in addresses)
    assert addresses[0] == mac_address_for("n", interfaces[0])


def test_subnets_avoid_what_the_host_reaches() -> None:
    taken = [ip_network(text) for text in ("0.0.0.0/0", "172.30.4.0/24", "fd00::/8")]
    assert str(choose_subnet(default_bridge_candidates(""), taken)) == "172.31.0.0/16"
    with pytest.raises(InvalidArgument, match="all predefined address pools"):
        choose_subnet(default_bridge_candidates(""), [ip_network("128.0.0.0/1")])


def test_installations_side_by_side_draw_different_subnets() -> None:
    drawn = {next(default_bridge_candidates(name)) for name in ("a", "b", "c", "d")}
    assert len(drawn) == 4
