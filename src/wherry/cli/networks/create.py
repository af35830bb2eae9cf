"""wherry network create"""

from wherry.cli.context import Context
from wherry.cli.flags import Boolean, FlagSet, Mapping, String, Strings, Syntax
from wherry.oci.labels import checked_label

SYNTAX = Syntax("[OPTIONS] NETWORK", least=1, most=1)
_SWARM = "it concerns swarms"
_PLUGIN = "there are no plugins"


class Flags(FlagSet):
    attachable = Boolean("", "Enable manual container attachment")
    aux_address = Mapping("", "Auxiliary IPv4 or IPv6 addresses used by Network driver")
    config_from = String("", "The network from which to copy the configuration", unsupported=_SWARM)
    config_only = Boolean("", "Create a configuration only network", unsupported=_SWARM)
    driver = String("d", "Driver to manage the Network", default="bridge")
    gateway = Strings("", "IPv4 or IPv6 Gateway for the master subnet")
    ingress = Boolean("", "Create swarm routing-mesh network", unsupported=_SWARM)
    internal = Boolean("", "Restrict external access to the network")
    ip_range = Strings("", "Allocate container ip from a sub-range")
    ipam_driver = String("", "IP Address Management Driver", default="default")
    ipam_opt = Mapping("", "Set IPAM driver specific options", unsupported=_PLUGIN)
    ipv4 = Boolean("", "Enable or disable IPv4 address assignment", default=True)
    ipv6 = Boolean("", "Enable or disable IPv6 address assignment")
    label = Strings("", "Set metadata on a network", check=checked_label)
    opt = Mapping("o", "Set driver specific options")
    scope = String("", "Control the network's scope", unsupported=_SWARM)
    subnet = Strings("", "Subnet in CIDR format that represents a network segment")


def run(flags: Flags, context: Context) -> None:
    from wherry.engine.networks.create import NetworkRequest, create_network
    from wherry.engine.networks.subnets import requests_from_flags
    from wherry.errors import NotFound  # --help does without the engine

    if flags.ipam_driver != "default":
        raise NotFound(f"could not find plugin {flags.ipam_driver} in v1 plugin registry")
    request = NetworkRequest(
        name=flags.operands[0],
        driver=flags.driver or "bridge",
        subnets=requests_from_flags(
            _split(flags.subnet), _split(flags.gateway), _split(flags.ip_range), flags.aux_address
        ),
        internal=flags.internal,
        attachable=flags.attachable,
        ipv4=flags.ipv4 if flags.given("ipv4") else None,
        ipv6=flags.ipv6 if flags.given("ipv6") else None,
        options=flags.opt,
        labels=dict(text.partition("=")[::2] for text in flags.label),
    )
    context.out(create_network(context.engine, request).id)


def _split(texts: tuple[str, ...]) -> list[str]:
    """Docker takes several in one flag, with commas between them."""
    return [part.strip() for text in texts for part in text.split(",")]
