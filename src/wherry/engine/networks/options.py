"""`network create -o`: what Docker's drivers take, checked, in Docker's words when refused."""

import re
from collections.abc import Mapping
from ipaddress import ip_address

from wherry.errors import Internal, InvalidArgument, Unsupported
from wherry.linux.interface_names import INTERFACE_NAME_LENGTH
from wherry.network.sub_links import (
    IPVLAN_FLAG_OPTION,
    IPVLAN_FLAGS,
    IPVLAN_MODE_OPTION,
    IPVLAN_MODES,
    MACVLAN_MODE_OPTION,
    MACVLAN_MODES,
)
from wherry.store.gateway_modes import (
    GATEWAY_MODE_OPTIONS,
    INHIBIT_IPV4_OPTION,
    GatewayMode,
    gateway_mode,
)
from wherry.store.networks import (
    BRIDGE_OPTION,
    HOST_BINDING_OPTION,
    ICC_OPTION,
    INTERFACE_PREFIX_OPTION,
    MASQUERADE_OPTION,
    MTU_OPTION,
    TRUSTED_INTERFACES_OPTION,
)

_DOCKERS = "com.docker.network."
FAMILY_OPTIONS = {4: "com.docker.network.enable_ipv4", 6: "com.docker.network.enable_ipv6"}
_TRUTHS = {"true": "true", "1": "true", "t": "true", "false": "false", "0": "false", "f": "false"}
_MODES: dict[str, dict[str, Mapping[str, int]]] = {
    "macvlan": {MACVLAN_MODE_OPTION: MACVLAN_MODES},
    "ipvlan": {IPVLAN_MODE_OPTION: IPVLAN_MODES, IPVLAN_FLAG_OPTION: IPVLAN_FLAGS},
}
# With room for a number behind it; not `lo`, and nothing that is a path.
_PREFIX = re.compile(rf"[A-Za-z_][A-Za-z0-9_-]{{0,{INTERFACE_NAME_LENGTH - 3}}}")
_INTERFACES = re.compile(rf"[A-Za-z0-9_.-]{{1,{INTERFACE_NAME_LENGTH}}}")
_MTUS = range(68, 65536)


class InvalidNetworkOption(InvalidArgument):
    def __init__(self, key: str, value: str, problem: str) -> None:
        super().__init__(f"invalid network option {key}={value}: {problem}")


class UnreadableOption(InvalidArgument):
    """As Docker words it."""

    def __init__(self, key: str, value: str, problem: str) -> None:
        super().__init__(f"failed to parse {key} value: {value} ({problem})")


class InvalidMtu(InvalidArgument):
    """As Docker words it."""

    def __init__(self, number: int) -> None:
        super().__init__(f"invalid MTU number: {number}")


class IsolatedWorld(Internal):
    """Worded, and of the kind, as Docker has it."""

    def __init__(self) -> None:
        super().__init__("gateway mode 'isolated' can only be used for an internal network")


class NoTruth(InvalidArgument):
    """As Docker words it."""

    def __init__(self, key: str) -> None:
        super().__init__(f'driver-opt "{key}" is not a valid bool')


class InvalidMode(InvalidArgument):
    def __init__(self, driver: str, key: str, value: str) -> None:
        what = key.removeprefix(f"{driver}_")
        default, *others = _MODES[driver][key]
        super().__init__(
            f"requested {driver} {what} '{value}' is not valid, '{default}' {what} is the"
            f" {driver} driver default",
            hint=f"the others are {', '.join(others)}",
        )


def checked_options(
    driver: str, options: Mapping[str, str], *, internal: bool = False
) -> dict[str, str]:
    """The driver's options. One of Docker's that we do not have is refused, not forgotten."""
    checked = {}
    for key, value in options.items():
        if driver == "bridge" and key in _OF_BRIDGES:
            checked[key] = _OF_BRIDGES[key](key, value)
        elif key in FAMILY_OPTIONS.values():
            if value.lower() not in _TRUTHS:
                raise NoTruth(key)
            checked[key] = value
        elif key == MTU_OPTION:
            checked[key] = _mtu(key, value)
        elif key in _MODES.get(driver, {}):
            if value and value not in _MODES[driver][key]:
                raise InvalidMode(driver, key, value)
            checked[key] = value
        elif key.startswith(_DOCKERS):
            raise Unsupported(f"the network option {key} is not supported by driver {driver}")
        else:
            checked[key] = value
    if driver == "bridge" and not internal and _is_isolated(checked):
        raise IsolatedWorld
    return checked


def families(options: Mapping[str, str], asked: Mapping[int, bool | None]) -> dict[int, bool]:
    """Whether there are addresses of each version, as asked or else as the options have it."""
    found = {}
    for version, default in ((4, True), (6, False)):
        word = _TRUTHS.get(options.get(FAMILY_OPTIONS[version], "").lower())
        said = asked[version]
        found[version] = said if said is not None else word == "true" if word else default
    return found


def _is_isolated(options: Mapping[str, str]) -> bool:
    return any(gateway_mode(options, version) is GatewayMode.ISOLATED for version in (4, 6))


def _mtu(key: str, value: str) -> str:
    if not re.fullmatch(r"[+-]?[0-9]+", value):
        raise UnreadableOption(key, value, f'strconv.Atoi: parsing "{value}": invalid syntax')
    number = int(value)
    if number < 0:
        raise InvalidMtu(number)
    if number and number not in _MTUS:
        problem = f"must be from {_MTUS.start} to {_MTUS.stop - 1}"
        raise InvalidNetworkOption(key, value, problem)
    return value


def _truth(key: str, value: str) -> str:
    if value.lower() not in _TRUTHS:
        raise UnreadableOption(key, value, f'strconv.ParseBool: parsing "{value}": invalid syntax')
    return _TRUTHS[value.lower()]


def _gateway_mode(key: str, value: str) -> str:
    if value not in list(GatewayMode):
        raise UnreadableOption(key, value, f"unknown gateway mode {value}")
    return value


def _host_binding(key: str, value: str) -> str:
    try:
        return str(ip_address(value))  # `::` is every address of IPv6, and no other
    except ValueError:
        raise UnreadableOption(key, value, "nil ip") from None


def _bridge_name(key: str, value: str) -> str:
    if not 0 < len(value) <= INTERFACE_NAME_LENGTH:
        raise InvalidNetworkOption(key, value, f"must have 1 to {INTERFACE_NAME_LENGTH} characters")
    return value


def _interfaces(key: str, value: str) -> str:
    for name in filter(None, value.split(":")):
        if not _INTERFACES.fullmatch(name):
            raise InvalidNetworkOption(key, value, f"{name!r} is not the name of an interface")
    return value


def _prefix(key: str, value: str) -> str:
    if not _PREFIX.fullmatch(value):
        raise InvalidNetworkOption(key, value, "must be what a name of an interface begins with")
    return value


_OF_BRIDGES = {
    BRIDGE_OPTION: _bridge_name,
    HOST_BINDING_OPTION: _host_binding,
    ICC_OPTION: _truth,
    INHIBIT_IPV4_OPTION: _truth,
    INTERFACE_PREFIX_OPTION: _prefix,
    MASQUERADE_OPTION: _truth,
    TRUSTED_INTERFACES_OPTION: _interfaces,
    **dict.fromkeys(GATEWAY_MODE_OPTIONS, _gateway_mode),
}
