"""wherry network connect"""

from wherry.cli.context import Context
from wherry.cli.flags import FlagSet, String, Strings, Syntax
from wherry.cli.number_flags import Integer
from wherry.errors import InvalidArgument

SYNTAX = Syntax("[OPTIONS] NETWORK CONTAINER", least=2, most=2)


class Flags(FlagSet):
    alias = Strings("", "Add network-scoped alias for the container")
    driver_opt = Strings("", "driver options for the network")
    gw_priority = Integer(
        "",
        "Highest gw-priority provides the default gateway. Accepts positive and negative values.",
    )
    ip = String("", "IPv4 address (e.g., `172.30.100.104`)")
    ip6 = String("", "IPv6 address (e.g., `2001:db8::33`)")
    link = Strings("", "Add link to another container")
    link_local_ip = Strings("", "Add a link-local address for the container")


def run(flags: Flags, context: Context) -> None:
    from wherry.engine.containers.options.network import checked_link
    from wherry.engine.networks.connect import connect_network
    from wherry.network.requests import parse_ip
    from wherry.oci.container_config import NetworkAttachment  # --help does without the engine

    network, container = flags.operands
    attachment = NetworkAttachment(
        network=network,
        aliases=flags.alias,
        driver_options=dict(map(_pair, flags.driver_opt)),
        gateway_priority=flags.gw_priority,
        ipv4_address=parse_ip(flags.ip) if flags.ip else "",
        ipv6_address=parse_ip(flags.ip6) if flags.ip6 else "",
        links=tuple(map(checked_link, flags.link)),
        link_local_ips=tuple(map(parse_ip, flags.link_local_ip)),
    )
    connect_network(context.engine, container, attachment)


def _pair(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not equals:
        raise InvalidArgument("invalid key/value pair format in driver options")
    return key.strip(), value.strip()
