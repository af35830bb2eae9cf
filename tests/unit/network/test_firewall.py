from ipaddress import IPv4Address, IPv4Network, IPv6Address

import pytest

from wherry.errors import InvalidArgument
from wherry.network.firewall import table_text
from wherry.store.addresses import Subnet
from wherry.store.networks import BRIDGE_OPTION, ICC_OPTION, Network
from wherry.store.published_ports import PublishedPort


def network(bridge: str, **options: str) -> Network:
    return Network(
        id="1" * 64,
        name="n",
        driver="bridge",
        subnets=(Subnet(subnet=IPv4Network("172.30.0.0/16"), gateway=IPv4Address("172.30.0.1")),),
        options={BRIDGE_OPTION: bridge} | options,
    )


def port(host_ip: str) -> PublishedPort:
    address = IPv6Address(host_ip) if ":" in host_ip else IPv4Address(host_ip)
    return PublishedPort(
        protocol="tcp",
        host_ip=address,
        host_port=8080,
        container_id="c" * 64,
        container_ip=IPv4Address("172.30.0.2"),
        container_port=80,
    )


def elements(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.startswith("add element")]


def test_a_network_is_elements_of_the_sets() -> None:
    assert elements(table_text("wherry", [network("wherry0")], [])) == [
        'add element inet wherry bridges { "wherry0" }',
        'add element inet wherry together { "wherry0" . "wherry0" }',
        "add element inet wherry subnets { 172.30.0.0/16 }",
    ]


def test_containers_that_may_not_talk_are_not_together() -> None:
    text = table_text("wherry", [network("wherry0", **{ICC_OPTION: "false"})], [])
    assert "together {" not in "\n".join(elements(text))


def test_a_port_is_an_element_that_names_its_container() -> None:
    rest = f'tcp . 8080 comment "{"c" * 64}" : 172.30.0.2 . 80'
    assert elements(table_text("t", [], [port("0.0.0.0"), port("127.0.0.1"), port("::")])) == [
        f"add element inet t published {{ {rest} }}",
        f"add element inet t published_at {{ 127.0.0.1 . {rest} }}",
        "add element inet t exposed { 172.30.0.2 . tcp . 80 }",
    ]


@pytest.mark.parametrize("name", ['x" }; flush ruleset', "a b", "x" * 16, "é"])
def test_a_bridge_name_cannot_add_commands(name: str) -> None:
    with pytest.raises(InvalidArgument):
        table_text("wherry", [network(name)], [])
