"""Published ports, with network namespaces for the host and for the world."""

import os
import select
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from wherry.linux import nftables
from wherry.network import firewall
from wherry.network.bridge import set_sysctl
from wherry.network.plug import sweep
from wherry.network.ports import Published, PublishFailed, publish, withdraw
from wherry.network.requests import parse_port_spec
from wherry.store.published_ports import published_ports
from wherry.testing.machines import HOST, Guest, Machine, machine, opened
from wherry.testing.waiting import eventually

pytestmark = pytest.mark.needs("root", "netns", "nftables")


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Machine]:
    with machine(tmp_path) as made:
        yield made


def published(host: Machine, guest: Guest, *specs: str, name: str = "web") -> Published:
    assert guest.endpoint is not None
    bindings = [binding for spec in specs for binding in parse_port_spec(spec)]
    return publish(host.store, guest.container_id, name, guest.endpoint, bindings)


def seen_by(server: socket.socket, client: socket.socket, address: tuple[str, int]) -> str:
    server.settimeout(3)
    with client:
        client.connect(address)
        connection, peer = server.accept()
        connection.close()
    return str(peer[0])


def text_of(failure: pytest.ExceptionInfo[PublishFailed]) -> str:
    return str(failure.value)


@pytest.mark.parametrize("bridge_filtering", ["0", "1"])
def test_a_published_port_is_reached_from_everywhere(host: Machine, bridge_filtering: str) -> None:
    # With it, address translation happens inside the bridge already; without br_netfilter
    # neither setting exists and this runs twice alike.
    set_sysctl("bridge/bridge-nf-call-iptables", bridge_filtering)
    web, neighbour = host.new_container(), host.new_container()
    gateway = str(host.bridge.subnets[0].gateway)
    with published(host, web, "8080:80"), web.listen(80) as server:
        assert seen_by(server, host.outside.opened(), (HOST, 8080)) == host.outside.address
        assert seen_by(server, opened(), ("127.0.0.1", 8080)) == gateway
        assert seen_by(server, opened(), (HOST, 8080)) == HOST
        assert seen_by(server, neighbour.opened(), (gateway, 8080)) == gateway
        assert seen_by(server, neighbour.opened(), (HOST, 8080)) == gateway
        assert seen_by(server, web.opened(), (HOST, 8080)) == gateway  # itself


def test_what_comes_by_the_loopback_takes_no_port_that_the_host_gives_its_own(
    host: Machine,
) -> None:
    web = host.new_container()
    lowest = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    with published(host, web, "8080:80"), web.listen(80) as server, opened() as client:
        server.settimeout(3)
        client.connect(("127.0.0.1", 8080))
        connection, (_, port) = server.accept()
        connection.close()

        assert client.getsockname()[1] >= lowest > port


def test_one_published_on_the_loopback_is_for_the_host_alone(host: Machine) -> None:
    web = host.new_container()
    with published(host, web, "127.0.0.1:8080:80"), web.listen(80) as server:
        seen_by(server, opened(), ("127.0.0.1", 8080))
        with host.outside.opened() as client, pytest.raises(ConnectionRefusedError):
            client.connect((HOST, 8080))


def test_udp_is_published_too(host: Machine) -> None:
    web = host.new_container()
    with (
        published(host, web, "5353:53/udp"),
        web.opened(socket.SOCK_DGRAM) as server,
        host.outside.opened(socket.SOCK_DGRAM) as client,
    ):
        server.bind(("0.0.0.0", 53))
        client.sendto(b"question", (HOST, 5353))
        question, peer = server.recvfrom(100)
        server.sendto(b"answer", peer)
        assert (question, client.recvfrom(100)) == (b"question", (b"answer", (HOST, 5353)))


def test_a_client_of_datagrams_that_goes_on_is_led_to_who_has_the_port_now(host: Machine) -> None:
    with host.outside.opened(socket.SOCK_DGRAM) as client:
        client.sendto(b"nobody", (HOST, 5353))  # the kernel remembers that this is for the host
        for name in ("one", "two"):
            web = host.new_container()
            with (
                published(host, web, "5353:53/udp", name=name),
                web.opened(socket.SOCK_DGRAM) as server,
            ):
                server.bind(("0.0.0.0", 53))
                client.sendto(name.encode(), (HOST, 5353))
                question, peer = server.recvfrom(100)
                server.sendto(b"answer", peer)
                assert (question, client.recv(100)) == (name.encode(), b"answer")


def test_sctp_is_led_to_the_container_where_the_kernel_speaks_it(host: Machine) -> None:
    web = host.new_container()
    try:
        socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_SCTP).close()
    except OSError:
        with pytest.raises(PublishFailed, match="9999/sctp: protocol not supported"):
            published(host, web, "9999:80/sctp")
        return
    with published(host, web, "9999:80/sctp"):
        led = nftables.run(f"list map inet {firewall.table_of(host.store)} published")
        assert "sctp . 9999 comment" in led
        assert f"{web.address} . 80" in led


def serve_once(server: socket.socket) -> None:
    connection, _ = server.accept()
    with connection:
        received = b""
        while chunk := connection.recv(1 << 16):
            received += chunk
        connection.sendall(received[::-1])


def test_ipv6_is_carried_by_a_process_that_starts_when_it_is_needed(host: Machine) -> None:
    web = host.new_container()
    payload = os.urandom(1 << 20)
    with published(host, web, "8080:80") as ports, web.listen(80) as server:
        assert [str(port.host_ip) for port in ports.ports] == ["0.0.0.0", "::"]
        answering = threading.Thread(target=serve_once, args=(server,))
        answering.start()
        with opened(family=socket.AF_INET6) as client:
            client.connect(("::1", 8080))
            assert select.select([ports], [], [], 3)[0] == [ports]
            pid = ports.forward()
            client.sendall(payload)
            client.shutdown(socket.SHUT_WR)
            answer = b""
            while chunk := client.recv(1 << 16):
                answer += chunk
        answering.join()
        assert answer == payload[::-1]
        assert select.select([ports], [], [], 0)[0] == []
    assert not Path(f"/proc/{pid}").exists()


def test_datagrams_by_ipv6_are_carried_and_answered(host: Machine) -> None:
    web = host.new_container()
    with (
        published(host, web, "5353:53/udp") as ports,
        web.opened(socket.SOCK_DGRAM) as server,
        opened(socket.SOCK_DGRAM, socket.AF_INET6) as client,
    ):
        server.bind(("0.0.0.0", 53))
        client.connect(("::1", 5353))
        client.send(b"question")
        assert select.select([ports], [], [], 3)[0] == [ports]
        ports.forward()
        question, peer = server.recvfrom(100)
        server.sendto(b"answer", peer)
        assert (question, client.recv(100)) == (b"question", b"answer")


def test_a_flushed_ruleset_leaves_ports_reachable_through_the_forwarder(host: Machine) -> None:
    web = host.new_container()
    with published(host, web, "8080:80") as ports, web.listen(80) as server:
        nftables.run("flush ruleset")
        with host.outside.opened() as client:
            client.connect((HOST, 8080))
            assert select.select([ports], [], [], 3)[0] == [ports]
            ports.forward()
            server.settimeout(3)
            server.accept()[0].close()


def test_ports_that_another_container_has_are_refused_as_docker_does(host: Machine) -> None:
    one, two = host.new_container(), host.new_container()
    with published(host, one, "8080:80"), pytest.raises(PublishFailed) as failure:
        published(host, two, "9090:90", "8080:80", name="two")
    assert two.endpoint is not None
    assert text_of(failure) == (
        "failed to set up container networking: driver failed programming external connectivity"
        f" on endpoint two ({two.endpoint.id}): Bind for 0.0.0.0:8080 failed:"
        " port is already allocated"
    )
    published(host, two, "9090:90", "8080:80").close()  # nothing of the failure is left


def test_a_port_is_taken_before_its_holder_listens(
    host: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two = host.new_container(), host.new_container()
    refusals: list[str] = []

    def meanwhile(point: str) -> None:
        if point == "ports recorded" and not refusals:
            with pytest.raises(PublishFailed) as failure:
                published(host, two, "8080:80")
            refusals.append(text_of(failure))

    monkeypatch.setattr(host.store, "trace", meanwhile)
    with published(host, one, "8080:80"):
        pass

    assert [text.partition("): ")[2] for text in refusals] == [
        "Bind for 0.0.0.0:8080 failed: port is already allocated"
    ]


def test_ports_that_the_host_has_are_refused_as_docker_does(host: Machine) -> None:
    web = host.new_container()
    with opened() as server:
        server.bind(("0.0.0.0", 8080))
        server.listen()
        with pytest.raises(PublishFailed) as failure:
            published(host, web, "8080:80")
    assert text_of(failure).endswith(
        ": failed to bind host port 0.0.0.0:8080/tcp: address already in use"
    )


def test_a_container_that_names_a_port_twice_is_refused(host: Machine) -> None:
    with pytest.raises(PublishFailed) as failure:
        published(host, host.new_container(), "8080:80", "8080:81")
    assert text_of(failure).endswith("Bind for 0.0.0.0:8080 failed: port is already allocated")


def test_free_ports_are_found_in_ranges(host: Machine) -> None:
    one, two = host.new_container(), host.new_container()
    with (
        published(host, one, "8000-8001:80") as first,
        published(host, two, "8000-8001:80") as next_,
    ):
        assert {port.host_port for port in first.ports} == {8000}
        assert {port.host_port for port in next_.ports} == {8001}
        with pytest.raises(PublishFailed, match="port is already allocated"):
            published(host, host.new_container(), "8000-8001:80")


def test_a_random_port_is_the_same_for_both_families_and_not_soon_reused(host: Machine) -> None:
    web = host.new_container()
    seen = []
    for _ in range(2):
        with published(host, web, "80") as ports:
            seen += sorted({port.host_port for port in ports.ports})
    assert seen == [32768, 32769]


def test_ports_of_a_killed_container_are_free_for_the_next(host: Machine) -> None:
    dead, heir = host.new_container(), host.new_container()
    child = os.fork()
    if child == 0:  # its row and its element in the filter's map outlive it, its sockets do not
        try:
            host.store.database.close()
            published(host, dead, "8080:80")
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    assert [port.container_id for port in published_ports(host.store)] == [dead.container_id] * 2

    with published(host, heir, "8080:80"), heir.listen(80) as server:
        seen_by(server, opened(), ("127.0.0.1", 8080))
        sweep(host.store, {heir.container_id})
        seen_by(server, opened(), ("127.0.0.1", 8080))


def test_sweep_withdraws_the_ports_of_the_dead(host: Machine) -> None:
    dead = host.new_container()
    ports = published(host, dead, "8080:80")
    sweep(host.store, ())
    assert published_ports(host.store) == []
    assert "8080" not in nftables.run("list ruleset")
    ports.close()
    withdraw(host.store, dead.container_id)  # again


def test_the_next_container_brings_back_ports_that_a_flush_took(host: Machine) -> None:
    web = host.new_container()
    with published(host, web, "8080:80"), web.listen(80) as server:
        nftables.run("flush ruleset")
        host.new_container()
        eventually(lambda: "8080" in nftables.run("list ruleset"), what="the port in the ruleset")
        assert seen_by(server, host.outside.opened(), (HOST, 8080)) == host.outside.address
