from ipaddress import ip_address

import pytest

from wherry.errors import InvalidArgument
from wherry.network.names import (
    Link,
    ResolvConf,
    hosts_file,
    internal_resolv_conf,
    parse_dns_search,
    parse_extra_host,
    resolv_conf,
)

TOP = """\
127.0.0.1\tlocalhost
::1\tlocalhost ip6-localhost ip6-loopback
fe00::\tip6-localnet
ff00::\tip6-mcastprefix
ff02::1\tip6-allnodes
ff02::2\tip6-allrouters
"""
OWN = (ip_address("172.30.0.2"),)


def test_hosts_names_the_container_last() -> None:
    extra = ("db:10.0.0.1", "box=[fd00::1]", "up:host-gateway")
    text = hosts_file("web", "", OWN, extra, host_gateways=(ip_address("172.30.0.1"),))
    assert text == (TOP + "10.0.0.1\tdb\nfd00::1\tbox\n172.30.0.1\tup\n172.30.0.2\tweb\n")


@pytest.mark.parametrize(
    ("hostname", "domain", "names"),
    [("web", "", "web"), ("web", "a.b", "web.a.b web"), ("web.a.b", "", "web.a.b web")],
)
def test_a_full_name_is_followed_by_the_short_one(hostname: str, domain: str, names: str) -> None:
    assert hosts_file(hostname, domain, OWN).splitlines()[-1] == f"172.30.0.2\t{names}"


def test_without_ipv6_hosts_has_none() -> None:
    text = hosts_file("web", "", OWN, ("six:fd00::1",), ipv6=False)
    assert text == "127.0.0.1\tlocalhost\n172.30.0.2\tweb\n"


def test_links_are_named_between_the_extra_hosts_and_the_container() -> None:
    link = Link(ip_address("172.30.0.3"), ("db", "0123456789ab"))
    assert hosts_file("web", "", OWN, links=[link]).endswith(
        "172.30.0.3\tdb 0123456789ab\n172.30.0.2\tweb\n"
    )


@pytest.mark.parametrize("hostname", ["web\n10.0.0.1 evil", "a b", "a#b", "a\0b"])
def test_a_hostname_cannot_add_lines(hostname: str) -> None:
    with pytest.raises(InvalidArgument):
        hosts_file(hostname, "", OWN)


@pytest.mark.parametrize(
    ("text", "stored"),
    [
        ("a:1.2.3.4", "a:1.2.3.4"),
        ("a=1.2.3.4", "a:1.2.3.4"),
        ("a:[::1]", "a:::1"),
        ("a:::1", "a:::1"),
        ("a=host-gateway", "a:host-gateway"),
    ],
)
def test_an_extra_host_may_be_spelled(text: str, stored: str) -> None:
    assert parse_extra_host(text) == stored


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("x", 'bad format for add-host: "x"'),
        (":1.2.3.4", 'bad format for add-host: ":1.2.3.4"'),
        ("a:b=1.2.3.4", 'bad format for add-host: "a:b=1.2.3.4"'),
        ("x:y", 'invalid IP address in add-host: "y"'),
        ("x\ny:1.2.3.4", 'bad format for add-host: "x\\ny:1.2.3.4"'),
    ],
)
def test_extra_hosts_are_refused_in_dockers_words(text: str, sentence: str) -> None:
    with pytest.raises(InvalidArgument) as refusal:
        parse_extra_host(text)
    assert str(refusal.value) == sentence


def directives(text: str) -> list[str]:
    return [line for line in text.splitlines() if line and not line.startswith("#")]


HOST = """\
# a comment
nameserver 127.0.0.53
nameserver fd00::53
nameserver 192.0.2.53
nameserver nonsense
domain old.example
search example.com corp.example
options ndots:2 edns0
trust-ad
"""


def test_resolvers_that_a_container_cannot_reach_are_left_out() -> None:
    assert directives(resolv_conf(HOST)) == [
        "nameserver 192.0.2.53",
        "search example.com corp.example",
        "options ndots:2 edns0",
        "trust-ad",
    ]
    assert directives(resolv_conf(HOST, ipv6=True))[:2] == [
        "nameserver fd00::53",
        "nameserver 192.0.2.53",
    ]


def test_the_hosts_network_has_the_hosts_resolvers() -> None:
    text = resolv_conf(HOST, shares_host_network=True)
    assert directives(text)[0] == "nameserver 127.0.0.53"


def test_public_resolvers_stand_in_when_none_is_left() -> None:
    text = resolv_conf("nameserver 127.0.0.1\n")
    assert directives(text) == ["nameserver 8.8.8.8", "nameserver 8.8.4.4"]
    assert "# Used default nameservers.\n" in text


def test_what_is_asked_for_replaces_the_hosts() -> None:
    text = resolv_conf(HOST, ["127.0.0.9"], ["."], ["ndots:0"])
    assert directives(text) == ["nameserver 127.0.0.9", "options ndots:0", "trust-ad"]
    assert text.endswith(
        "\n# Based on host file: '/etc/resolv.conf' (legacy)\n"
        "# Invalid nameservers: [nonsense]\n"
        "# Overrides: [nameservers search options]\n"
        "# Option ndots from: override\n"
    )


@pytest.mark.parametrize(
    "asked",
    [
        {"dns": ["1.1.1.1\nnameserver 6.6.6.6"]},
        {"search": ["a\noptions x"]},
        {"options": ["ndots:1\nnameserver 6.6.6.6"]},
        {"options": ["a b"]},
    ],
    ids=str,
)
def test_requests_cannot_add_lines(asked: dict[str, list[str]]) -> None:
    with pytest.raises(InvalidArgument):
        resolv_conf("", asked.get("dns", ()), asked.get("search", ()), asked.get("options", ()))


@pytest.mark.parametrize("domain", ["example.com", "a-b.c_d", "x1.y.", "."])
def test_search_domains_are_taken(domain: str) -> None:
    assert parse_dns_search(f" {domain} ") == domain


@pytest.mark.parametrize("domain", ["a b", "", "-a", "1.2.3", "a..b", "x" * 300])
def test_what_is_no_domain_is_refused(domain: str) -> None:
    with pytest.raises(InvalidArgument, match="is not a valid domain"):
        parse_dns_search(domain)


def test_the_last_search_of_a_file_counts() -> None:
    assert ResolvConf.parse("search a\nsearch\ndomain b\n").search == ("b",)


@pytest.mark.parametrize(
    ("host", "flags", "lines", "asked"),
    [
        ("nameserver 10.0.0.1\n", {}, ["options ndots:0"], ["10.0.0.1"]),
        ("nameserver 127.0.0.53\n", {}, ["options ndots:0"], ["host(127.0.0.53)"]),
        ("nameserver ::1\nnameserver 10.0.0.1\n", {}, [], ["host(::1) 10.0.0.1"]),
        ("nameserver 10.0.0.1\n", {"dns": ["127.0.0.1"]}, [], ["127.0.0.1"]),
        ("search a.test b.test\n", {}, ["search a.test b.test"], []),
        ("search a.test\n", {"search": ["b.test"]}, ["search b.test"], []),
        ("search a.test\n", {"search": ["."]}, [], []),
        ("options ndots:3 rotate\n", {}, ["options ndots:3 rotate"], []),
        ("options rotate\n", {}, ["options rotate ndots:0"], []),
        ("options ndots:3\n", {"options": ["ndots:2"]}, ["options ndots:2"], []),
    ],
)
def test_a_name_service_takes_the_place_of_resolvers(
    host: str, flags: dict[str, list[str]], lines: list[str], asked: list[str]
) -> None:
    text, servers = internal_resolv_conf(host, **flags)

    written = [line for line in text.splitlines() if line and not line.startswith("#")]
    assert written[0] == "nameserver 127.0.0.11"
    assert set(lines) <= set(written)
    assert [line for line in text.splitlines() if "ExtServers" in line] == [
        f"# ExtServers: [{each}]" for each in asked
    ]
    assert [server.from_host for server in servers] == [
        word.startswith("host(") for each in asked for word in each.split()
    ]
