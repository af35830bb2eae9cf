"""Joining and leaving networks: what `network connect` and `disconnect` come down to.

A container that runs is changed by its supervisor, which calls the two functions here with its
network namespace. In any case the change is part of the container's configuration: its next start
has the same networks.
"""

from collections.abc import Sequence

from wherry.engine.containers.start_network import (
    claim_endpoint,
    overwrite,
    publish_ports,
    publishing_endpoint,
    write_resolv_conf,
)
from wherry.errors import PermissionDenied
from wherry.network.connected import Connected
from wherry.network.gateways import choose_gateways
from wherry.network.name_sockets import open_name_sockets
from wherry.network.plug import plug, set_default_routes, unplug
from wherry.network.ports import Published, publish
from wherry.oci.container_config import NetworkAttachment, PortBinding
from wherry.shim.start_plan import Reconnected
from wherry.store.containers import Container, find_container, update_config
from wherry.store.networks import (
    Endpoint,
    Network,
    endpoints_of,
    find_network,
    list_networks,
    release_endpoint,
)
from wherry.typed import TYPE_CHECKING
from wherry.values import replace

if TYPE_CHECKING:
    from wherry.engine.engine import Engine

Joined = Sequence[tuple[Network, Endpoint]]


class NotConnected(PermissionDenied):
    def __init__(self, container: Container, network: Network) -> None:
        super().__init__(f"container {container.id} is not connected to network {network.name}")


class AlreadyConnected(PermissionDenied):
    def __init__(self, container: Container, network: Network) -> None:
        super().__init__(
            f"endpoint with name {container.name} already exists in network {network.name}"
        )


def is_meant(attachment: NetworkAttachment, network: Network) -> bool:
    name = "bridge" if attachment.network == "default" else attachment.network
    return name in (network.name, network.id) or (len(name) >= 12 and network.id.startswith(name))


def joined_networks(engine: "Engine", container: Container) -> list[tuple[Network, Endpoint]]:
    """The networks that a running container is on."""
    networks = {network.id: network for network in list_networks(engine.store)}
    return [
        (networks[endpoint.network_id], endpoint)
        for endpoint in endpoints_of(engine.store, container.id)
    ]


def join_network(
    engine: "Engine",
    container: Container,
    attachment: NetworkAttachment,
    netns: int,
    connected: Connected,
) -> Reconnected:
    """Join a network while the container runs. What fails is undone."""
    store = engine.store
    network = find_network(store, attachment.network)
    before = joined_networks(engine, container)
    if any(one.id == network.id for one, _ in before):
        raise AlreadyConnected(container, network)
    endpoint = claim_endpoint(engine, network, attachment, container)
    store.trace("joining: address claimed")
    try:
        plug(store, network, endpoint, netns, ())
        store.trace("joining: link configured")
        names = connected.names
        if network.has_names and names is None:
            folder = store.container_folder(container.id)
            servers = write_resolv_conf(folder, container.config, [network], in_place=True)
            names = open_name_sockets(netns, servers)
        after = [*before, (network, endpoint)]
        set_default_routes(choose_gateways(after), netns)
    except BaseException:
        unplug(endpoint, netns)
        release_endpoint(store, endpoint)
        raise
    container = with_attachment(engine, container, attachment)
    store.trace("joining: recorded")
    _add_to_hosts(engine, container, endpoint)
    published = _published_again(engine, container, connected.published, before, after)
    return Reconnected(container=container, connected=Connected(published=published, names=names))


def leave_network(
    engine: "Engine", container: Container, name: str, netns: int, connected: Connected
) -> Reconnected:
    """Leave a network while the container runs."""
    store = engine.store
    network = find_network(store, name)
    before = joined_networks(engine, container)
    endpoint = next((one for joined, one in before if joined.id == network.id), None)
    if endpoint is None:
        raise NotConnected(container, network)
    container = without_attachment(engine, container, network)
    store.trace("leaving: recorded")
    unplug(endpoint, netns)
    store.trace("leaving: link removed")
    release_endpoint(store, endpoint)
    store.trace("leaving: address released")
    after = [(joined, one) for joined, one in before if one.id != endpoint.id]
    set_default_routes(choose_gateways(after), netns)
    _take_from_hosts(engine, container, endpoint)
    published = _published_again(engine, container, connected.published, before, after)
    return Reconnected(
        container=container, connected=Connected(published=published, names=connected.names)
    )


def with_attachment(
    engine: "Engine", container: Container, attachment: NetworkAttachment
) -> Container:
    """Record that the container is to be on one network more."""
    container = find_container(engine.store, container.id)  # `update` may have changed it
    networks = (*container.config.attachments, attachment)
    return _record(engine, container, networks)


def without_attachment(engine: "Engine", container: Container, network: Network) -> Container:
    """Record that the container is no longer to be on `network`."""
    container = find_container(engine.store, container.id)
    before = container.config.attachments
    networks = tuple(one for one in before if not is_meant(one, network))
    if networks == before:
        raise NotConnected(container, network)
    return _record(engine, container, networks or (NetworkAttachment(network=""),))


def _record(
    engine: "Engine", container: Container, networks: tuple[NetworkAttachment, ...]
) -> Container:
    config = replace(container.config, networks=networks)
    update_config(engine.store, container.id, config)
    return replace(container, config=config)


def _published_again(
    engine: "Engine",
    container: Container,
    published: Published | None,
    before: Joined,
    after: Joined,
) -> Published | None:
    """Ports lead by the way out; when that is another one now, so do they."""
    old, new = publishing_endpoint(before), publishing_endpoint(after)
    if old == new:
        return published
    if published is None:
        return publish_ports(engine, container, after)
    ports = published.ports
    published.close()
    engine.store.trace("ports withdrawn for another network")
    if new is None:
        return None
    if any(port.is_routed for port in ports):  # those had no ports of the host to keep
        return publish_ports(engine, container, after)
    bindings = [
        PortBinding(
            container_port=port.container_port,
            protocol=port.protocol,
            host_ip=str(port.host_ip),
            host_port=str(port.host_port),
        )
        for port in ports
    ]
    return publish(engine.store, container.id, container.name, new, bindings)


def _add_to_hosts(engine: "Engine", container: Container, endpoint: Endpoint) -> None:
    path = engine.store.container_folder(container.id) / "hosts"
    hostname, domain = container.config.hostname, container.config.domainname
    names = f"{hostname}.{domain} {hostname}" if domain else hostname
    lines = "".join(f"{each.ip}\t{names}\n" for each in (endpoint.ipv4, endpoint.ipv6) if each)
    overwrite(path, path.read_text(errors="surrogateescape") + lines)


def _take_from_hosts(engine: "Engine", container: Container, endpoint: Endpoint) -> None:
    path = engine.store.container_folder(container.id) / "hosts"
    gone = tuple(f"{each.ip}\t" for each in (endpoint.ipv4, endpoint.ipv6) if each)
    lines = path.read_text(errors="surrogateescape").splitlines(keepends=True)
    overwrite(path, "".join(line for line in lines if not line.startswith(gone)))
