"""wherry network ls"""

from wherry.cli.context import Context
from wherry.cli.flags import Boolean, Filters, FlagSet, String, Syntax
from wherry.cli.listing import FORMAT_HELP, Row, print_rows

TYPE_CHECKING = False
if TYPE_CHECKING:
    from wherry.store.networks import Network

SYNTAX = Syntax("[OPTIONS]")
TITLES = {
    "ID": "NETWORK ID",
    "Name": "NAME",
    "Driver": "DRIVER",
    "Scope": "SCOPE",
    "IPv4": "IPV4",
    "IPv6": "IPV6",
    "Internal": "INTERNAL",
    "Labels": "LABELS",
    "CreatedAt": "CREATED AT",
}
_TABLE = "{{.ID}}\t{{.Name}}\t{{.Driver}}\t{{.Scope}}"
_RAW_ID = "network_id: {{.ID}}"
_RAW = "network_id: {{.ID}}\nname: {{.Name}}\ndriver: {{.Driver}}\nscope: {{.Scope}}\n"
_SHORT = 12


class Flags(FlagSet):
    filter = Filters("f", 'Provide filter values (e.g. "driver=bridge")')
    format = String("", FORMAT_HELP)
    no_trunc = Boolean("", "Do not truncate the output")
    quiet = Boolean("q", "Only display network IDs")


def run(flags: Flags, context: Context) -> None:
    from wherry.engine.networks.list import list_networks  # --help does without the engine

    networks = list_networks(context.engine, flags.filter)
    if flags.quiet and not flags.format:
        for network in networks:
            context.out(_identifier(network, flags))
        return
    rows = [
        Row(_fields(network, flags), kind="*network.networkContext", labels=network.labels)
        for network in networks
    ]
    chosen = flags.format
    if chosen == "raw":
        chosen = _RAW_ID if flags.quiet else _RAW
    print_rows(context, rows, chosen=chosen, titles=TITLES, default=_TABLE)


def _fields(network: "Network", flags: Flags) -> dict[str, object]:
    return {
        "CreatedAt": network.created,
        "Driver": network.driver,
        "ID": _identifier(network, flags),
        "IPv4": str(network.enable_ipv4).lower(),
        "IPv6": str(network.enable_ipv6).lower(),
        "Internal": str(network.internal).lower(),
        "Labels": ",".join(f"{key}={value}" for key, value in network.labels.items()),
        "Name": network.name,
        "Scope": network.scope,
    }


def _identifier(network: "Network", flags: Flags) -> str:
    return network.id if flags.no_trunc else network.id[:_SHORT]
