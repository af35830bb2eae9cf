"""Where a container's ports are published."""

from typing import TYPE_CHECKING

from wherry.errors import InvalidArgument, NotFound
from wherry.network.requests import parse_port_number
from wherry.store.containers import find_container
from wherry.store.published_ports import PublishedPort, published_ports

if TYPE_CHECKING:
    from wherry.engine.engine import Engine


def port_mappings(engine: "Engine", name: str, private_port: str = "") -> list[PublishedPort]:
    """The published ports of a container, or those that lead to `private_port`, as in 80/tcp."""
    container = find_container(engine.store, name)
    ports = published_ports(engine.store, container.id)
    if not private_port:
        return ports
    number, _, protocol = private_port.partition("/")
    try:
        wanted = parse_port_number(number)
    except ValueError as error:
        raise InvalidArgument(f"invalid port ({number}): {error}") from error
    protocol = protocol.lower() or "tcp"
    found = [port for port in ports if (port.container_port, port.protocol) == (wanted, protocol)]
    if not found:
        raise NotFound(f"No public port '{private_port}' published for {name}")
    return found
