"""--link on the default bridge: another container's address in hosts and its ports in variables.

https://docs.docker.com/engine/network/links/
"""

from collections.abc import Iterator
from ipaddress import IPv4Address, IPv6Address

from wherry.engine.containers.options.network import is_user_defined
from wherry.errors import Conflict
from wherry.network import names
from wherry.store.containers import Container, find_container
from wherry.store.networks import endpoints_of
from wherry.store.store import Store
from wherry.values import dataclass

_NOT_PASSED_ON = ("HOME", "PATH")


@dataclass(frozen=True, kw_only=True, slots=True)
class LinkedContainer:
    alias: str
    child: Container
    address: IPv4Address | IPv6Address

    @property
    def host(self) -> names.Link:
        """The line of /etc/hosts: alias, host name and, if it is another word, name."""
        words = [self.alias, self.child.config.hostname]
        if self.alias != self.child.name:
            words.append(self.child.name)
        return names.Link(self.address, tuple(words))

    def variables(self, parent: Container) -> Iterator[str]:
        prefix = self.alias.upper().replace("-", "_")
        ports = sorted(self._ports(), key=lambda port: (port[1] != "tcp", port[0]))
        if ports:
            number, protocol = ports[0]
            yield f"{prefix}_PORT={protocol}://{self.address}:{number}"
        for number, protocol in ports:
            start = f"{prefix}_PORT_{number}_{protocol.upper()}"
            yield f"{start}={protocol}://{self.address}:{number}"
            yield f"{start}_ADDR={self.address}"
            yield f"{start}_PORT={number}"
            yield f"{start}_PROTO={protocol}"
        yield f"{prefix}_NAME=/{parent.name}/{self.alias}"
        for variable in self.child.config.env:
            name, equals, value = variable.partition("=")
            if equals and name not in _NOT_PASSED_ON:
                yield f"{prefix}_ENV_{name}={value}"

    def _ports(self) -> Iterator[tuple[int, str]]:
        for port in self.child.config.exposed_ports:
            number, _, protocol = port.partition("/")
            if number.isdecimal():
                yield int(number), protocol or "tcp"


def linked_containers(store: Store, container: Container) -> list[LinkedContainer]:
    """The containers behind --link, which must be running.

    On networks of users a link is a name of the name service, see `wherry.network.resolve`.
    """
    if is_user_defined(container.config.network_mode):
        return []
    found = []
    for link in container.config.links:
        target, _, alias = link.partition(":")
        child = find_container(store, target)
        alias = alias or child.name
        endpoints = endpoints_of(store, child.id)
        address = next((e.ipv4.ip for e in endpoints if e.ipv4), None)
        if not child.status.has_process or address is None:
            raise Conflict(
                f"Cannot link to a non running container: /{child.name} AS"
                f" /{container.name}/{alias}"
            )
        found.append(LinkedContainer(alias=alias, child=child, address=address))
    return found
