import pytest

from wherry.errors import InvalidArgument
from wherry.network.requests import (
    check_address_request,
    parse_expose,
    parse_ip,
    parse_mac,
    parse_publish,
    ports_to_publish,
)
from wherry.oci.container_config import PortBinding
from wherry.store.networks import DEFAULT_BRIDGE_OPTION, Network


def written(text: str) -> list[str]:
    return [
        f"{b.host_ip}|{b.host_port}|{b.container_port}/{b.protocol}" for b in parse_publish(text)
    ]


@pytest.mark.parametrize(
    ("text", "bindings"),
    [
        ("80", ["||80/tcp"]),
        ("8080:80", ["|8080|80/tcp"]),
        (":80", ["||80/tcp"]),
        ("8080:80/udp", ["|8080|80/udp"]),
        ("8080:80/SCTP", ["|8080|80/sctp"]),
        ("127.0.0.1:8080:80", ["127.0.0.1|8080|80/tcp"]),
        ("127.0.0.1::80", ["127.0.0.1||80/tcp"]),
        ("[::1]:8080:80", ["::1|8080|80/tcp"]),
        ("::1:8080:80", ["::1|8080|80/tcp"]),
        ("0:80", ["|0|80/tcp"]),
        ("8000-8001:80-81", ["|8000|80/tcp", "|8001|81/tcp"]),
        ("80-81", ["||80/tcp", "||81/tcp"]),
        ("8000-8009:80", ["|8000-8009|80/tcp"]),
        ("target=80,published=8080,protocol=udp", ["|8080|80/udp"]),
        ("target=80", ["||80/tcp"]),
    ],
)
def test_ports_are_published_as_written(text: str, bindings: list[str]) -> None:
    assert written(text) == bindings


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("300000:1", "invalid hostPort: 300000"),
        ("a:80", "invalid hostPort: a"),
        ("-1:80", "invalid hostPort: -1"),
        ("9-8:80", "invalid hostPort: 9-8"),
        ("8080:x", "invalid containerPort: x"),
        ("80:٨", "invalid containerPort: ٨"),
        ("", "no port specified: <empty>"),
        ("8080:", "no port specified: 8080:<empty>"),
        ("1.2.3:80:80", "invalid IP address: 1.2.3"),
        ("80:80/icmp", "invalid proto: icmp"),
        ("10-11:10-12", "invalid ranges specified for container and host Ports: 10-12 and 10-11"),
        ("target=80,x", "invalid publish opts format (should be name=value but got 'x')"),
    ],
)
def test_ports_are_refused_in_dockers_words(text: str, sentence: str) -> None:
    with pytest.raises(InvalidArgument) as refusal:
        parse_publish(text)
    assert str(refusal.value) == sentence


@pytest.mark.parametrize(
    ("text", "ports"),
    [("80", ["80/tcp"]), ("53/udp", ["53/udp"]), ("7-9", ["7/tcp", "8/tcp", "9/tcp"])],
)
def test_ports_are_exposed(text: str, ports: list[str]) -> None:
    assert parse_expose(text) == ports


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("80:80", "invalid port format for --expose: 80:80"),
        (
            "1-a",
            (
                "invalid range format for --expose: 1-a, error:"
                ' strconv.ParseUint: parsing "a": invalid syntax'
            ),
        ),
    ],
)
def test_exposed_ports_are_refused_in_dockers_words(text: str, sentence: str) -> None:
    with pytest.raises(InvalidArgument) as refusal:
        parse_expose(text)
    assert str(refusal.value) == sentence


@pytest.mark.parametrize("text", ["92:D0:c6:0a:29:33", "92-d0-c6-0a-29-33", "92d0.c60a.2933"])
def test_a_mac_address_may_be_spelled(text: str) -> None:
    assert parse_mac(text) == "92:d0:c6:0a:29:33"


@pytest.mark.parametrize(
    "text", ["x", "", "92:d0:c6:0a:29", "92:d0:c6:0a:29:3g", "9:2d:0c:60:a29:3"]
)
def test_what_is_no_mac_address_is_refused(text: str) -> None:
    with pytest.raises(InvalidArgument, match="is not a valid mac address"):
        parse_mac(text)


def test_addresses_are_written_in_their_usual_form() -> None:
    assert parse_ip(" 0:0:0:0:0:0:0:1") == "::1"
    with pytest.raises(InvalidArgument, match="IP address is not correctly formatted"):
        parse_ip("1.2.3")


def test_publishing_all_adds_the_exposed_ports_that_nobody_asked_for() -> None:
    asked = parse_publish("8080:80")
    exposed = ["80/tcp", "53/udp", "9/tcp"]
    assert ports_to_publish(asked, exposed, publish_all=False) == asked
    assert ports_to_publish(asked, exposed, publish_all=True) == [
        *asked,
        PortBinding(container_port=9),
        PortBinding(container_port=53, protocol="udp"),
    ]


def test_an_address_cannot_be_chosen_on_the_default_bridge() -> None:
    bridge = Network(id="", name="bridge", driver="bridge", options={DEFAULT_BRIDGE_OPTION: "true"})
    check_address_request(bridge, "", "")
    with pytest.raises(InvalidArgument, match="supported on user defined networks only"):
        check_address_request(bridge, "172.30.0.9", "")
