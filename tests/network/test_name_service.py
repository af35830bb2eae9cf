"""The name service of a container: over UDP and TCP, for its own names and for those of others."""

import os
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from ipaddress import IPv4Address, ip_address

import pytest

from wherry.linux.namespaces import CloneFlag, open_namespace
from wherry.linux.netlink import entered
from wherry.network import dns
from wherry.network.dns import Code, Query, Type
from wherry.store.networks import allocate_endpoint, find_network, release_endpoints
from wherry.store.store import Store
from wherry.testing.command import Wherry

pytestmark = pytest.mark.needs("containers")
SERVICE = ("127.0.0.11", 53)


def query_for(name: str, kind: int = Type.A, size: int = 0) -> Query:
    number = int.from_bytes(os.urandom(2), "big")
    return Query(id=number, flags=0x100, name=dns.name_of(name), type=kind, klass=1, udp_size=size)


@contextmanager
def inside(wherry: Wherry, container: str) -> Iterator[None]:
    """Sockets that are opened in the block are the container's."""
    pid = int(wherry("inspect", "-f", "{{.State.Pid}}", container).stdout)
    descriptor = open_namespace(pid, CloneFlag.NEWNET)
    try:
        with entered(descriptor):
            yield
    finally:
        os.close(descriptor)


def asked(wherry: Wherry, container: str, query: Query | bytes, *, stream: bool = False) -> bytes:
    with inside(wherry, container):
        client = socket.socket(socket.AF_INET, socket.SOCK_STREAM if stream else socket.SOCK_DGRAM)
    with client:
        client.settimeout(8)
        client.connect(SERVICE)
        data = query if isinstance(query, bytes) else dns.packed_query(query)
        if not stream:
            client.send(data)
            return client.recv(65535)
        client.sendall(len(data).to_bytes(2, "big") + data)
        file = client.makefile("rb")
        return file.read(int.from_bytes(file.read(2), "big"))


def addresses(answer: bytes) -> list[str]:
    _, _, records = dns.answer_records(answer)
    return [str(ip_address(data)) for kind, data in records if kind in (Type.A, Type.AAAA)]


@pytest.fixture
def net(wherry: Wherry) -> Wherry:
    wherry("network", "create", "--subnet", "10.83.1.0/24", "net")
    wherry("run", "-d", "--name", "one", "--network", "net", "busybox", "sleep", "1000")
    return wherry


@pytest.mark.parametrize("stream", [False, True], ids=["udp", "tcp"])
def test_a_name_is_answered_over(net: Wherry, stream: bool) -> None:
    answer = asked(net, "one", query_for("ONE"), stream=stream)

    assert addresses(answer) == ["10.83.1.2"]


def test_several_queries_may_share_a_connection(net: Wherry) -> None:
    with inside(net, "one"):
        client = socket.create_connection(SERVICE, timeout=5)
    with client, client.makefile("rb") as file:
        for name in ("one", "one.net"):
            data = dns.packed_query(query_for(name))
            for byte in len(data).to_bytes(2, "big") + data:  # in as many pieces as can be
                client.send(bytes((byte,)))
            assert addresses(file.read(int.from_bytes(file.read(2), "big"))) == ["10.83.1.2"]


def test_a_service_with_many_addresses_is_cut_short_over_udp_and_whole_over_tcp(
    net: Wherry,
) -> None:
    # Rows are all it takes: the answer is what the database says now.
    store = Store(net.root, net.run_folder)
    network = find_network(store, "net")
    with closing(store.database):
        made = [f"{number:012x}".ljust(64, "0") for number in range(1, 61)]
        for container_id in made:
            allocate_endpoint(store, network, container_id, names=("many",))
        try:
            short = asked(net, "one", query_for("many"))
            whole = asked(net, "one", query_for("many"), stream=True)
            large = asked(net, "one", query_for("many", size=4096))
        finally:
            for container_id in made:
                release_endpoints(store, container_id)

    assert len(short) <= 512
    assert dns.answer_records(short)[1]
    assert len(set(addresses(whole))) == len(set(addresses(large))) == 60


def test_what_has_no_address_of_the_kind_is_there_all_the_same(net: Wherry) -> None:
    for kind in (Type.AAAA, 15, 65):
        code, _, records = dns.answer_records(asked(net, "one", query_for("one", kind)))
        assert (code, records) == (Code.NO_ERROR, [])


def test_a_renamed_container_is_found_by_its_new_name(net: Wherry) -> None:
    net("run", "-d", "--name", "two", "--network", "net", "busybox", "sleep", "1000")

    net("rename", "two", "deux")

    assert addresses(asked(net, "one", query_for("deux"))) == ["10.83.1.3"]


def test_a_name_too_long_for_dns_is_left_out(net: Wherry) -> None:
    net("run", "-d", "--name", "n" * 70, "--network", "net", "busybox", "sleep", "1000")

    answer = asked(net, "one", query_for("3.1.83.10.in-addr.arpa", Type.PTR))

    assert dns.answer_records(answer)[2] == []
    assert addresses(asked(net, "one", query_for("one"))) == ["10.83.1.2"]


def test_rubbish_does_not_end_the_supervisor(net: Wherry) -> None:
    with inside(net, "one"), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        for data in (b"", b"\0", os.urandom(11), os.urandom(400), b"\xff" * 64):
            client.sendto(data, SERVICE)
    with inside(net, "one"), socket.create_connection(SERVICE) as stream:
        stream.sendall(b"\xff\xff" + os.urandom(70))

    assert addresses(asked(net, "one", query_for("one"))) == ["10.83.1.2"]


class Resolver:
    """A resolver somewhere: says 192.0.2.1 to everything, by UDP and TCP."""

    def __init__(self, address: str, reply: Callable[[Query], bytes] | None = None) -> None:
        self.asked: list[str] = []
        self.messages: list[bytes] = []
        self._reply = reply or (lambda query: dns.answer(query, [IPv4Address("192.0.2.1")]))
        self._udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._tcp = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        for each in (self._udp, self._tcp):
            each.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            each.bind((address, 53))
        self._tcp.listen()
        self._threads = [
            threading.Thread(target=serve, daemon=True)
            for serve in (self._serve_datagrams, self._serve_streams)
        ]
        for thread in self._threads:
            thread.start()

    def _serve_datagrams(self) -> None:
        while True:
            data, client = self._udp.recvfrom(65535)
            if not data:
                return
            query = dns.parse_query(data)
            self.asked.append(query.text)
            self.messages.append(data)
            self._udp.sendto(self._reply(query), client)

    def _serve_streams(self) -> None:
        while True:
            client, _ = self._tcp.accept()
            with client, client.makefile("rb") as file:
                length = file.read(2)
                if not length:
                    return
                data = file.read(struct.unpack("!H", length)[0])
                query = dns.parse_query(data)
                self.asked.append(query.text)
                self.messages.append(data)
                reply = self._reply(query)
                client.sendall(len(reply).to_bytes(2, "big") + reply)

    def close(self) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as last:
            last.sendto(b"", self._udp.getsockname())
        socket.create_connection(self._tcp.getsockname()).close()
        for thread in self._threads:
            thread.join()
        self._udp.close()
        self._tcp.close()


@pytest.fixture
def resolver(net: Wherry) -> Iterator[Resolver]:
    """On the gateway of the network, where containers reach it."""
    made = Resolver("10.83.1.1")
    yield made
    made.close()


@pytest.mark.parametrize("stream", [False, True], ids=["udp", "tcp"])
def test_other_names_are_asked_of_the_resolver_given(
    net: Wherry, resolver: Resolver, stream: bool
) -> None:
    words = ("--network", "net", "--dns", "10.83.1.1", "busybox", "sleep", "1000")
    net("run", "-d", "--name", "asker", *words)

    answer = asked(net, "asker", query_for("example.test"), stream=stream)

    assert addresses(answer) == ["192.0.2.1"]
    assert resolver.asked == ["example.test"]


@pytest.mark.parametrize("stream", [False, True], ids=["udp", "tcp"])
def test_the_resolver_is_asked_in_the_words_of_the_container(
    net: Wherry, resolver: Resolver, stream: bool
) -> None:
    words = ("--network", "net", "--dns", "10.83.1.1", "busybox", "sleep", "1000")
    net("run", "-d", "--name", "asker", *words)
    cookie = struct.pack("!HH8s", 10, 8, b"8 bytes.")
    # With DNSSEC OK, checking disabled, letters of both cases, and an option that we do not know.
    option = b"\0" + struct.pack("!HHIH", Type.OPT, 4096, 0x8000, len(cookie)) + cookie
    question = dns.packed_name((b"Example", b"TEST")) + struct.pack("!HH", Type.A, 1)
    message = struct.pack("!HHHHHH", 7, 0x0110, 1, 0, 0, 1) + question + option

    asked(net, "asker", message, stream=stream)

    assert [sent[2:] for sent in resolver.messages] == [message[2:]]


def test_large_answers_come_through_whole(net: Wherry) -> None:
    many = [IPv4Address(f"192.0.2.{number}") for number in range(1, 251)]
    made = Resolver("10.83.1.1", lambda query: dns.answer(query, many, stream=query.udp_size == 0))
    with closing(made):
        words = ("--network", "net", "--dns", "10.83.1.1", "busybox", "sleep", "1000")
        net("run", "-d", "--name", "asker", *words)

        large = asked(net, "asker", query_for("example.test", size=8192))
        short = asked(net, "asker", query_for("example.test", size=1232))
        whole = asked(net, "asker", query_for("example.test"), stream=True)

    assert len(addresses(large)) == len(addresses(whole)) == 250
    assert dns.answer_records(short)[1]


def test_names_of_the_network_are_never_asked_of_others(net: Wherry, resolver: Resolver) -> None:
    words = ("--network", "net", "--dns", "10.83.1.1", "busybox", "sleep", "1000")
    net("run", "-d", "--name", "asker", *words)

    for kind in (Type.A, Type.AAAA, 65):
        asked(net, "asker", query_for("one", kind))

    assert resolver.asked == []


def test_the_next_resolver_is_asked_when_one_is_silent(net: Wherry, resolver: Resolver) -> None:
    # Nobody answers at .250, which is nobody's.
    servers = ("--dns", "10.83.1.250", "--dns", "10.83.1.1")
    net("run", "-d", "--name", "asker", "--network", "net", *servers, "busybox", "sleep", "1000")

    assert addresses(asked(net, "asker", query_for("example.test"))) == ["192.0.2.1"]


def test_an_internal_network_asks_nobody(net: Wherry, resolver: Resolver) -> None:
    net("network", "create", "--internal", "--subnet", "10.83.2.0/24", "closed")
    words = ("--network", "closed", "--dns", "10.83.1.1", "busybox", "sleep", "1000")
    net("run", "-d", "--name", "asker", *words)

    code, _, _ = dns.answer_records(asked(net, "asker", query_for("example.test")))

    assert code is Code.SERVER_FAILURE
    assert resolver.asked == []


def test_a_container_may_have_port_53_for_itself(net: Wherry) -> None:
    with inside(net, "one"):
        server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        server.bind(("127.0.0.1", 53))
        server.close()


def test_the_name_service_ends_with_the_container_and_returns_with_it(net: Wherry) -> None:
    net("restart", "-t", "0", "one")

    assert addresses(asked(net, "one", query_for("one"))) == ["10.83.1.2"]
