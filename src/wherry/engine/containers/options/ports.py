"""-p, --publish and --expose: `[[ADDRESS:]HOST:]CONTAINER[/PROTOCOL]`, with ranges."""

import ipaddress
from collections.abc import Iterable

from wherry.engine.containers.options.units import parse_unsigned
from wherry.errors import InvalidArgument
from wherry.oci.container_config import PortBinding

PROTOCOLS = ("tcp", "udp", "sctp")


def parse_publish(text: str) -> list[PortBinding]:
    """The bindings that one -p asks for, one for each container port of a range."""
    address, host, container = _split(_standard_notation(text))
    container, _, protocol = container.partition("/")
    protocol = protocol or "tcp"
    address = _checked_address(address)
    if not container:
        raise InvalidArgument(f"no port specified: {text}<empty>")
    first, last = _range(container, f"invalid containerPort: {container}")
    host_first, host_last = _range(host, f"invalid hostPort: {host}") if host else (0, 0)
    if host and last - first != host_last - host_first and first != last:
        raise InvalidArgument(
            f"invalid ranges specified for container and host Ports: {container} and {host}"
        )
    if protocol.lower() not in PROTOCOLS:
        raise InvalidArgument(f"invalid proto: {protocol}")
    bindings = []
    for offset in range(last - first + 1):
        host_port = str(host_first + offset) if host else ""
        if first == last and host_first != host_last:
            host_port = f"{host_first}-{host_last}"  # the engine picks a free one of them
        bindings.append(
            PortBinding(
                container_port=first + offset,
                protocol=protocol.lower(),
                host_ip=address,
                host_port=host_port,
            )
        )
    return bindings


def _standard_notation(text: str) -> str:
    """`target=80,published=8080,protocol=udp` as `8080:80/udp`; other texts as they are."""
    if "=" not in text:
        return text
    values = {}
    for part in text.split(","):
        key, equals, value = part.partition("=")
        if not equals:
            raise InvalidArgument(
                f"invalid publish opts format (should be name=value but got '{part}')"
            )
        values[key] = value
    published = f"{values['published']}:" if values.get("published") else ""
    protocol = f"/{values['protocol']}" if values.get("protocol") else ""
    return f"{published}{values.get('target', '')}{protocol}"


def _split(text: str) -> tuple[str, str, str]:
    *before, container = text.split(":")
    if not before:
        return "", "", container
    return ":".join(before[:-1]), before[-1], container


def _checked_address(text: str) -> str:
    address = text[1:-1] if text.startswith("[") and text.endswith("]") else text
    if address:
        try:
            ipaddress.ip_address(address)
        except ValueError:
            raise InvalidArgument(f"invalid IP address: {address}") from None
    return address


def parse_port_range(text: str) -> tuple[int, int]:
    """`80` or `80-90`; ValueError with Go's words."""
    if not text:
        raise ValueError("empty string specified for ports")
    first, dash, last = text.partition("-")
    start = parse_unsigned(first, 16)
    end = parse_unsigned(last, 16) if dash else start
    if end < start:
        raise ValueError(f"invalid range specified for port: {text}")
    return start, end


def _range(text: str, problem: str) -> tuple[int, int]:
    try:
        return parse_port_range(text)
    except ValueError:
        raise InvalidArgument(problem) from None


def parse_expose(text: str) -> list[str]:
    """`80`, `80/udp`, `80-90/tcp` as the list of ports."""
    if ":" in text:
        raise InvalidArgument(f"invalid port format for --expose: {text}")
    ports, _, protocol = text.partition("/")
    protocol = protocol or "tcp"
    try:
        first, last = parse_port_range(ports)
    except ValueError as error:
        raise InvalidArgument(
            f"invalid range format for --expose: {text}, error: {error}"
        ) from None
    if protocol.lower() not in PROTOCOLS:
        raise InvalidArgument(f"invalid proto: {protocol}")
    return [f"{port}/{protocol.lower()}" for port in range(first, last + 1)]


def exposed_ports(published: Iterable[PortBinding], exposed: Iterable[str]) -> tuple[str, ...]:
    """Every port once: those published, then those exposed alone."""
    ports = [f"{binding.container_port}/{binding.protocol}" for binding in published]
    return tuple(dict.fromkeys([*ports, *exposed]))
