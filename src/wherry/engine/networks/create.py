"""Making a network: the request is checked, then it gets its row, its bridge and its rules."""

from collections.abc import Mapping, Sequence
from ipaddress import IPv4Address
from typing import TYPE_CHECKING

from wherry.engine.networks.remove import take_down_network
from wherry.engine.networks.subnets import SubnetRequest, checked_subnets
from wherry.errors import InvalidArgument, NotFound, PermissionDenied, Unsupported, WherryError
from wherry.linux.netlink import INTERFACE_NAME_LENGTH, RouteSocket
from wherry.network import firewall
from wherry.network.bridge import ensure_bridge
from wherry.network.sub_links import (
    IPVLAN_FLAG_OPTION,
    IPVLAN_FLAGS,
    IPVLAN_MODE_OPTION,
    IPVLAN_MODES,
    MACVLAN_MODE_OPTION,
    MACVLAN_MODES,
    check_parent,
    ensure_parent,
    will_own_parent,
)
from wherry.store.network_creation import add_network
from wherry.store.networks import (
    BRIDGE_OPTION,
    HOST_BINDING_OPTION,
    ICC_OPTION,
    MASQUERADE_OPTION,
    MTU_OPTION,
    PREDEFINED,
    Network,
    ensure_default_networks,
    list_networks,
)
from wherry.values import dataclass, field, replace

if TYPE_CHECKING:
    from wherry.engine.engine import Engine

DRIVERS = ("bridge", "macvlan", "ipvlan")
_ONE_ONLY = ("host", "null")
_DOCKERS = "com.docker.network."
_BRIDGE_OPTIONS = frozenset(
    (BRIDGE_OPTION, HOST_BINDING_OPTION, ICC_OPTION, MASQUERADE_OPTION, MTU_OPTION)
)
_TRUTHS = {"true": "true", "1": "true", "t": "true", "false": "false", "0": "false", "f": "false"}
_MODES: dict[str, dict[str, Mapping[str, int]]] = {
    "macvlan": {MACVLAN_MODE_OPTION: MACVLAN_MODES},
    "ipvlan": {IPVLAN_MODE_OPTION: IPVLAN_MODES, IPVLAN_FLAG_OPTION: IPVLAN_FLAGS},
}


@dataclass(frozen=True, kw_only=True, slots=True)
class NetworkRequest:
    """What `network create` asks for."""

    name: str
    driver: str = "bridge"
    subnets: Sequence[SubnetRequest] = ()
    internal: bool = False
    attachable: bool = False
    ipv4: bool = True
    ipv6: bool = False
    options: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    ipam_options: bool = True
    """Whether clients are shown {} for them, or null."""


class PredefinedNetwork(PermissionDenied):
    def __init__(self, name: str) -> None:
        super().__init__(f"operation is not permitted on predefined {name} network")


class NoSuchDriver(NotFound):
    def __init__(self, driver: str) -> None:
        super().__init__(
            f"could not find plugin {driver} in v1 plugin registry: plugin not found",
            hint=f"the drivers are {', '.join(DRIVERS)}",
        )


class InvalidNetworkOption(InvalidArgument):
    def __init__(self, key: str, value: str, problem: str) -> None:
        super().__init__(f"invalid network option {key}={value}: {problem}")


class UnreadableOption(InvalidArgument):
    """As Go words it."""

    def __init__(self, key: str, value: str, parser: str) -> None:
        super().__init__(
            f'failed to parse {key} value: {value} (strconv.{parser}: parsing "{value}":'
            " invalid syntax)"
        )


class InvalidHostBinding(InvalidArgument):
    """As Docker words it."""

    def __init__(self, value: str) -> None:
        super().__init__(f"failed to parse {HOST_BINDING_OPTION} value: {value} (nil ip)")


class InvalidMode(InvalidArgument):
    def __init__(self, driver: str, key: str, value: str) -> None:
        what = key.removeprefix(f"{driver}_")
        default, *others = _MODES[driver][key]
        super().__init__(
            f"requested {driver} {what} '{value}' is not valid, '{default}' {what} is the"
            f" {driver} driver default",
            hint=f"the others are {', '.join(others)}",
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
    network = Network(
        id="",
        name=request.name,
        driver=request.driver,
        internal=request.internal,
        attachable=request.attachable,
        enable_ipv4=request.ipv4,
        enable_ipv6=request.ipv6,
        subnets=tuple(checked_subnets(request.subnets, ipv4=request.ipv4, ipv6=request.ipv6)),
        chosen_subnets=bool(request.subnets),
        options=checked_options(request.driver, request.options),
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


def checked_options(driver: str, options: Mapping[str, str]) -> dict[str, str]:
    """The driver's options. One of Docker's that we do not have is refused, not forgotten."""
    checked = dict(options)
    for key, value in options.items():
        if key in (ICC_OPTION, MASQUERADE_OPTION) and driver == "bridge":
            if value.lower() not in _TRUTHS:
                raise UnreadableOption(key, value, "ParseBool")
            checked[key] = _TRUTHS[value.lower()]
        elif key == MTU_OPTION:
            if not value.isascii() or not value.isdecimal():
                raise UnreadableOption(key, value, "Atoi")
            if not 68 <= int(value) <= 65535:
                raise InvalidNetworkOption(key, value, "must be from 68 to 65535")
        elif key == HOST_BINDING_OPTION and driver == "bridge":
            _check_host_binding(value)
        elif key == BRIDGE_OPTION and not 0 < len(value) <= INTERFACE_NAME_LENGTH:
            raise InvalidNetworkOption(
                key, value, f"must have 1 to {INTERFACE_NAME_LENGTH} characters"
            )
        elif key in _MODES.get(driver, {}):
            if value and value not in _MODES[driver][key]:
                raise InvalidMode(driver, key, value)
        elif key.startswith(_DOCKERS) and not (driver == "bridge" and key in _BRIDGE_OPTIONS):
            raise Unsupported(f"the network option {key} is not supported by driver {driver}")
    return checked


def _check_host_binding(value: str) -> None:
    try:
        IPv4Address(value)
    except ValueError:
        raise InvalidHostBinding(value) from None
