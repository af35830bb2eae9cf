"""The network of one start: addresses claimed, and the files in /etc that follow from them."""

import os
from collections.abc import Sequence
from contextlib import ExitStack, closing
from pathlib import Path

from wherry.engine.containers.links import LinkedContainer, linked_containers
from wherry.engine.containers.options.modes import container_of
from wherry.engine.containers.spec.mounts import UserMount
from wherry.engine.containers.spec.namespaces import joined_container
from wherry.engine.networks.host_gateways import host_gateways
from wherry.linux.files import write_atomically
from wherry.linux.openat import opened
from wherry.network.connected import Connected
from wherry.network.endpoint_options import INTERFACE_NAME
from wherry.network.gateways import choose_gateways
from wherry.network.name_sockets import open_name_sockets
from wherry.network.names import (
    Address,
    host_resolv_conf,
    hosts_file,
    internal_resolv_conf,
    own_resolv_conf,
    resolv_conf,
)
from wherry.network.nameservers import Server
from wherry.network.plug import plug
from wherry.network.ports import Published, publish
from wherry.network.requests import ports_to_publish
from wherry.oci.container_config import ContainerConfig, NetworkAttachment
from wherry.oci.sha256 import sha256
from wherry.store.containers import Container
from wherry.store.networks import (
    Endpoint,
    Network,
    allocate_endpoint,
    ensure_default_networks,
    find_network,
)
from wherry.typed import TYPE_CHECKING
from wherry.values import dataclass

if TYPE_CHECKING:
    from wherry.engine.engine import Engine

FILES = ("resolv.conf", "hostname", "hosts")
_DEFAULT_NETWORK = "bridge"


@dataclass(frozen=True, kw_only=True, slots=True)
class StartNetwork:
    """What a start needs to know. `folder` has the files that are shown in /etc."""

    engine: "Engine"
    container: Container
    hostname: str
    folder: Path
    endpoints: tuple[tuple[Network, Endpoint], ...] = ()
    linked: tuple[LinkedContainer, ...] = ()
    servers: tuple[Server, ...] = ()  # whom the name service asks

    def connect(self, namespace: int) -> Connected:
        """Join the networks and publish the ports, given the container's network namespace."""
        store, container = self.engine.store, self.container
        chosen = choose_gateways(self.endpoints)
        for network, endpoint in self.endpoints:
            ways = [version for version, (_, one) in chosen.items() if one == endpoint]
            plug(store, network, endpoint, namespace, ways)
        with ExitStack() as undo:
            names = None
            if any(network.has_names for network, _ in self.endpoints):
                names = undo.enter_context(closing(open_name_sockets(namespace, self.servers)))
            published = publish_ports(self.engine, container, self.endpoints)
            undo.pop_all()
        return Connected(published=published, names=names)

    @property
    def linked_env(self) -> list[str]:
        return [text for link in self.linked for text in link.variables(self.container)]

    def mounts(self, taken: Sequence[UserMount]) -> list[UserMount]:
        """The files of /etc, but those that the user brings."""
        destinations = {mount.destination for mount in taken}
        return [
            UserMount(
                destination=f"/etc/{name}",
                source=os.fspath(self.folder / name),
                writable=not self.container.config.read_only,
                recursive="writable",  # one file: there is nothing below it
                propagation="rprivate",
            )
            for name in FILES
            if f"/etc/{name}" not in destinations
        ]


def publish_ports(
    engine: "Engine", container: Container, endpoints: Sequence[tuple[Network, Endpoint]]
) -> Published | None:
    """Publish the container's ports by the network that is its way out."""
    config = container.config
    bindings = ports_to_publish(config.ports, config.exposed_ports, config.publish_all)
    endpoint = publishing_endpoint(endpoints)
    if not bindings or endpoint is None:
        return None
    return publish(engine.store, container.id, container.name, endpoint, bindings)


def publishing_endpoint(endpoints: Sequence[tuple[Network, Endpoint]]) -> Endpoint | None:
    """Where published ports lead to: the way out, if that is a bridge."""
    chosen = choose_gateways(endpoints)
    _, endpoint = chosen.get(4) or chosen.get(6) or (None, None)
    return endpoint if endpoint is not None and endpoint.host_link else None


def prepare_network(
    engine: "Engine", container: Container, folder: Path | None = None
) -> StartNetwork:
    """Claim the addresses of this start and write the files. To be undone by the caller.

    The files go to `folder`, by default the container's own.
    """
    config = container.config
    folder = folder or engine.store.container_folder(container.id)
    if name := container_of(config.network_mode):
        other = joined_container(engine.store, name, "network", container.id)
        return StartNetwork(
            engine=engine,
            container=container,
            hostname=other.config.hostname,
            folder=engine.store.container_folder(other.id),
        )
    ensure_default_networks(engine.store)
    linked = linked_containers(engine.store, container)
    endpoints = tuple(
        (network, claim_endpoint(engine, network, attachment, container))
        for network, attachment in _networks(engine, config)
    )
    addresses = [
        address.ip
        for _, endpoint in endpoints
        for address in (endpoint.ipv4, endpoint.ipv6)
        if address is not None
    ]
    _write(folder / "hostname", config.hostname + "\n")
    _write(folder / "hosts", _hosts(engine, config, addresses, linked))
    servers = write_resolv_conf(folder, config, [network for network, _ in endpoints])
    return StartNetwork(
        engine=engine,
        container=container,
        hostname=config.hostname,
        folder=folder,
        endpoints=endpoints,
        linked=tuple(linked),
        servers=tuple(servers),
    )


def _networks(engine: "Engine", config: ContainerConfig) -> list[tuple[Network, NetworkAttachment]]:
    mode = find_network(engine.store, _real_name(config.network_mode)).name
    attachments = {_real_name(one.network): one for one in config.attachments}
    if not attachments:  # as Docker: who has left all joins the first one again
        attachments[mode] = NetworkAttachment(network=mode)
    ordered = sorted(attachments, key=lambda name: name != mode)
    return [(find_network(engine.store, name), attachments[name]) for name in ordered]


def _real_name(network: str) -> str:
    return _DEFAULT_NETWORK if network == "default" else network


def claim_endpoint(
    engine: "Engine", network: Network, attachment: NetworkAttachment, container: Container
) -> Endpoint:
    """The container's place on a network, committed."""
    return allocate_endpoint(
        engine.store,
        network,
        container.id,
        ipv4=attachment.ipv4_address or None,
        ipv6=attachment.ipv6_address or None,
        mac=attachment.mac_address or None,
        aliases=attachment.aliases,
        names=endpoint_names(container, attachment) if network.has_names else (),
        links=attachment.links,
        gateway_priority=attachment.gateway_priority,
        link_local_ips=attachment.link_local_ips,
        driver_options=attachment.driver_options,
        interface=attachment.driver_options.get(INTERFACE_NAME, ""),
    )


def endpoint_names(container: Container, attachment: NetworkAttachment) -> tuple[str, ...]:
    """By which others on a network find the container: Docker's DNSNames."""
    names = (container.name, *attachment.aliases, container.id[:12], container.config.hostname)
    return tuple(dict.fromkeys(filter(None, names)))


def _hosts(
    engine: "Engine",
    config: ContainerConfig,
    addresses: Sequence[Address],
    linked: Sequence[LinkedContainer],
) -> str:
    gateways = _host_gateways(engine, config)
    if config.network_mode == "host":
        # Docker shows the host's own file there, with what was added behind it.
        own = hosts_file("localhost", "", (), config.extra_hosts, host_gateways=gateways)
        plain = hosts_file("localhost", "", (), ())
        return Path("/etc/hosts").read_text(errors="replace") + own.removeprefix(plain)
    return hosts_file(
        config.hostname,
        config.domainname,
        addresses,
        config.extra_hosts,
        host_gateways=gateways,
        links=[link.host for link in linked],
        ipv6=os.path.exists("/proc/net/if_inet6"),
    )


def _host_gateways(engine: "Engine", config: ContainerConfig) -> list[Address]:
    if not any(host.endswith(":host-gateway") for host in config.extra_hosts):
        return []
    return host_gateways(engine)


def write_resolv_conf(
    folder: Path, config: ContainerConfig, networks: list[Network], *, in_place: bool = False
) -> list[Server]:
    """Write it unless the container's own processes have changed it; whom its name service asks.

    A container that runs sees the file and not its name, so for it the file itself is changed.
    """
    if any(network.has_names for network in networks):
        text, servers = internal_resolv_conf(
            own_resolv_conf(), config.dns, config.dns_search, config.dns_options
        )
    else:
        text, servers = _plain_resolv_conf(config, networks), []
    path, mark = folder / "resolv.conf", folder / "resolv.conf.hash"
    try:
        if mark.read_text() != sha256(path.read_bytes()).hexdigest():
            return servers
    except FileNotFoundError:
        pass
    if in_place:
        overwrite(path, text)
    else:
        _write(path, text)
    _write(mark, sha256(text.encode(errors="surrogateescape")).hexdigest())
    return servers


def _plain_resolv_conf(config: ContainerConfig, networks: list[Network]) -> str:
    host_text, host_path = host_resolv_conf()
    return resolv_conf(
        host_text,
        config.dns,
        config.dns_search,
        config.dns_options,
        host_path=host_path,
        ipv6=any(network.enable_ipv6 for network in networks),
        shares_host_network=config.network_mode == "host",
    )


def overwrite(path: Path, text: str) -> None:
    """Change the content of a file that a container has mounted."""
    descriptor = os.open(path, os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    with opened(descriptor):
        data = text.encode(errors="surrogateescape")
        # The longer of old and new is there meanwhile, never nothing.
        os.pwrite(descriptor, data, 0)
        os.ftruncate(descriptor, len(data))


def _write(path: Path, text: str) -> None:
    write_atomically(path, text.encode(errors="surrogateescape"), mode=0o644, durable=False)
