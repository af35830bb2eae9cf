"""Making a network: the request is checked, then it gets its row, its bridge and its rules."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from wherry.engine.networks.options import FAMILY_OPTIONS, checked_options, families
from wherry.engine.networks.remove import take_down_network
from wherry.engine.networks.subnets import SubnetRequest, checked_subnets
from wherry.engine.privilege import check_root
from wherry.errors import InvalidArgument, NotFound, PermissionDenied, WherryError
from wherry.linux.netlink import RouteSocket
from wherry.network import firewall
from wherry.network.bridge import ensure_bridge
from wherry.network.sub_links import check_parent, ensure_parent, will_own_parent
from wherry.store.gateway_modes import needs_gateway
from wherry.store.network_creation import add_network
from wherry.store.networks import PREDEFINED, Network, ensure_default_networks, list_networks
from wherry.values import dataclass, field, replace

if TYPE_CHECKING:
    from wherry.engine.engine import Engine

DRIVERS = ("bridge", "macvlan", "ipvlan")
_ONE_ONLY = ("host", "null")


@dataclass(frozen=True, kw_only=True, slots=True)
class NetworkRequest:
    """What `network create` asks for."""

    name: str
    driver: str = "bridge"
    subnets: Sequence[SubnetRequest] = ()
    internal: bool = False
    attachable: bool = False
    ipv4: bool | None = None  # None: as the options have it, or else True
    ipv6: bool | None = None  # ... or else False
    options: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    ipam_options: bool = True
    """Whether clients are shown {} for them, or null."""


class PredefinedNetwork(PermissionDenied):
    def __init__(self, name: str) -> None:
        super().__init__(f"operation is not permitted on predefined {name} network")


class SeveralSubnets(PermissionDenied):
    def __init__(self) -> None:
        super().__init__("bridge driver doesn't support multiple subnets")


class NoSuchDriver(NotFound):
    def __init__(self, driver: str) -> None:
        super().__init__(
            f"could not find plugin {driver} in v1 plugin registry: plugin not found",
            hint=f"the drivers are {', '.join(DRIVERS)}",
        )


def create_network(engine: "Engine", request: NetworkRequest) -> Network:
    """Make a network. Raises in Docker's words, with everything undone."""
    if request.name in PREDEFINED:
        raise PredefinedNetwork(request.name)
    if not request.name.strip():
        raise InvalidArgument("invalid network config:\nnetwork name is empty")
    if request.driver in _ONE_ONLY:
        name = "host" if request.driver == "host" else "null"
        raise PermissionDenied(f'only one instance of "{name}" network is allowed')
    if request.driver not in DRIVERS:
        raise NoSuchDriver(request.driver)
    check_root("networks")
    ensure_default_networks(engine.store)
    network = _network_of(engine, request)
    network = add_network(engine.store, network)
    engine.store.trace("network committed")
    try:
        _set_up(engine, network)
    except (WherryError, OSError):
        take_down_network(engine, network)
        raise
    engine.events.publish(
        "network", "create", network.id, {"name": network.name, "type": network.driver}
    )
    return network


def _network_of(engine: "Engine", request: NetworkRequest) -> Network:
    options = checked_options(request.driver, request.options, internal=request.internal)
    asked = {4: request.ipv4, 6: request.ipv6}
    for version, said in asked.items():
        if said is not None:  # and the option says nothing, whatever it says
            options.pop(FAMILY_OPTIONS[version], None)
    ipv4, ipv6 = families(options, asked).values()
    gateways = [v for v in (4, 6) if needs_gateway(options, v, internal=request.internal)]
    subnets = tuple(checked_subnets(request.subnets, ipv4=ipv4, ipv6=ipv6, gateways=gateways))
    if request.driver == "bridge" and len({each.subnet.version for each in subnets}) < len(subnets):
        raise SeveralSubnets
    network = Network(
        id="",
        name=request.name,
        driver=request.driver,
        internal=request.internal,
        attachable=request.attachable,
        enable_ipv4=ipv4,
        enable_ipv6=ipv6,
        subnets=subnets,
        chosen_subnets=bool(request.subnets),
        options=options,
        labels=dict(request.labels),
        ipam_options=request.ipam_options,
    )
    if network.driver == "bridge":
        return network
    others = list_networks(engine.store)
    check_parent(network, others)
    # Part of the row, so that a kill leaves no VLAN that nobody owns.
    return replace(network, owns_parent=will_own_parent(network, others))


def _set_up(engine: "Engine", network: Network) -> None:
    """Now, although the first container would do: so that what cannot work is told now."""
    with RouteSocket() as host:
        if network.driver == "bridge":
            ensure_bridge(host, network)
            engine.store.trace("bridge made")
            firewall.reapply(engine.store)
        else:
            ensure_parent(host, network)
