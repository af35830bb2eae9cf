"""What users write about ports and addresses, checked and in Docker's words when refused."""

from collections.abc import Iterable, Sequence
from ipaddress import ip_address

from wherry.errors import InvalidArgument
from wherry.oci.container_config import PortBinding
from wherry.store.networks import DEFAULT_BRIDGE_OPTION, Network

_PROTOCOLS = ("tcp", "udp", "sctp")
_HIGHEST_PORT = 65535


class InvalidPort(InvalidArgument):
    """A --publish or --expose that says nothing sensible."""


class InvalidAddress(InvalidArgument):
    """Something given as an IP or MAC address that is none."""


class _NotANumber(ValueError):
    """Worded as Go's strconv words it."""


def parse_port_range(text: str) -> tuple[int, int]:
    """First and last port of "80" or "80-90"; (0, 0) for "" and "0", which mean any."""
    return _port_range(text) if text else (0, 0)


def parse_publish(text: str) -> list[PortBinding]:
    """What `-p` says: [[ip:][hostport]:]port[/protocol], or name=value pairs with commas."""
    return parse_port_spec(_from_pairs(text) if "=" in text else text)


def _from_pairs(text: str) -> str:
    pairs = {"protocol": "tcp", "published": "", "target": ""}
    for pair in text.split(","):
        key, equals, value = pair.partition("=")
        if not equals or not key:
            raise InvalidPort(
                f"invalid publish opts format (should be name=value but got '{pair}')"
            )
        pairs[key] = value
    return f"{pairs['published']}:{pairs['target']}/{pairs['protocol']}"


def parse_port_spec(text: str) -> list[PortBinding]:
    """ip:hostport:port/protocol as bindings, one for each port of a range of the container's."""
    host, _, container = text.rpartition(":")
    host_ip, _, host_port = host.rpartition(":")
    protocol, container_port = _split_protocol(container)
    if host_ip.startswith("["):
        if not host_ip.endswith("]"):
            raise InvalidPort(f"invalid IP address {host_ip}: missing ']' in address")
        host_ip = host_ip[1:-1]
    if host_ip and not _is_ip(host_ip):
        raise InvalidPort(f"invalid IP address: {host_ip}")
    if not container_port:
        raise InvalidPort(f"no port specified: {text}<empty>")
    first, last = _checked_range(container_port, f"invalid containerPort: {container_port}")
    host_first, host_last = 0, 0
    if host_port:
        host_first, host_last = _checked_range(host_port, f"invalid hostPort: {host_port}")
        # A range of the host's for one port of the container: the first that is free.
        if last - first != host_last - host_first and first != last:
            raise InvalidPort(
                "invalid ranges specified for container and host Ports:"
                f" {container_port} and {host_port}"
            )
    if protocol.lower() not in _PROTOCOLS:
        raise InvalidPort(f"invalid proto: {protocol}")
    chosen = f"{host_first}-{host_last}" if first == last and host_first != host_last else ""
    return [
        PortBinding(
            container_port=first + number,
            protocol=protocol.lower(),
            host_ip=host_ip,
            host_port=chosen or (str(host_first + number) if host_port else ""),
        )
        for number in range(last - first + 1)
    ]


def parse_expose(text: str) -> list[str]:
    """What `--expose` says, as ports like "80/tcp"."""
    if ":" in text:
        raise InvalidPort(f"invalid port format for --expose: {text}")
    protocol, ports = _split_protocol(text)
    try:
        first, last = _port_range(ports)
    except ValueError as error:
        raise InvalidPort(f"invalid range format for --expose: {text}, error: {error}") from error
    if protocol.lower() not in _PROTOCOLS:
        raise InvalidPort(f"invalid proto: {protocol}")
    return [f"{port}/{protocol.lower()}" for port in range(first, last + 1)]


def ports_to_publish(
    bindings: Sequence[PortBinding], exposed: Iterable[str], publish_all: bool
) -> list[PortBinding]:
    """What a start publishes: what was asked for and, with -P, every other exposed port."""
    if not publish_all:
        return list(bindings)
    asked_for = {(binding.container_port, binding.protocol) for binding in bindings}
    others = [
        (int(number), protocol or "tcp")
        for number, _, protocol in (port.partition("/") for port in exposed)
    ]
    return [
        *bindings,
        *(
            PortBinding(container_port=number, protocol=protocol)
            for number, protocol in sorted(set(others) - asked_for)
        ),
    ]


def check_address_request(network: Network, *addresses: str) -> None:
    """Refuse --ip and --ip6 where Docker does: on networks whose addresses nobody chose."""
    if any(addresses) and (
        network.driver in ("host", "null") or network.options.get(DEFAULT_BRIDGE_OPTION) == "true"
    ):
        raise InvalidAddress("user specified IP address is supported on user defined networks only")


def parse_ip(text: str) -> str:
    """An IPv4 or IPv6 address in its usual form."""
    try:
        return str(ip_address(text.strip()))
    except ValueError:
        raise InvalidAddress(f"IP address is not correctly formatted: {text}") from None


def parse_mac(text: str) -> str:
    """A six-byte MAC address as Docker prints it; takes colons, hyphens and Cisco's dots."""
    separator = next((separator for separator in ":-." if separator in text), ":")
    parts = text.strip().split(separator)
    width = 4 if separator == "." else 2
    digits = "".join(parts)
    if (
        len(digits) != 12
        or any(len(part) != width for part in parts)
        or any(digit not in "0123456789abcdefABCDEF" for digit in digits)
    ):
        raise InvalidAddress(f"{text} is not a valid mac address")
    return bytes.fromhex(digits).hex(":")


def _is_ip(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return "%" not in text


def _split_protocol(text: str) -> tuple[str, str]:
    port, _, rest = text.partition("/")
    return (rest.partition("/")[0] or "tcp", port) if port else ("", "")


def _checked_range(text: str, problem: str) -> tuple[int, int]:
    try:
        return _port_range(text)
    except ValueError:
        raise InvalidPort(problem) from None


def _port_range(text: str) -> tuple[int, int]:
    if not text:
        raise ValueError("empty string specified for ports")
    first, dash, last = text.partition("-")
    low = parse_port_number(first)
    if not dash:
        return low, low
    high = parse_port_number(last.partition("-")[0])
    if high < low:
        raise ValueError(f"invalid range specified for port: {text}")
    return low, high


def parse_port_number(text: str) -> int:
    """A port from 0 to 65535; ValueError in Go's words."""
    # int() would take blanks, signs, underscores and the digits of other scripts.
    if not text.isascii() or not text.isdigit():
        raise _NotANumber(f'strconv.ParseUint: parsing "{text}": invalid syntax')
    number = int(text)
    if number > _HIGHEST_PORT:
        raise _NotANumber(f'strconv.ParseUint: parsing "{text}": value out of range')
    return number
