"""Connecting containers to networks, and disconnecting them, whether they run or not."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from wherry.engine.containers.orders import carry_out, find_live_container
from wherry.engine.networks.attachments import check_attachment
from wherry.engine.networks.membership import (
    AlreadyConnected,
    is_meant,
    with_attachment,
    without_attachment,
)
from wherry.errors import PermissionDenied
from wherry.linux.files import remove_tree
from wherry.linux.openat import opened
from wherry.oci.codec import to_json
from wherry.oci.container_config import NetworkAttachment
from wherry.shim.lock import take_shim_lock
from wherry.store.containers import Container, NoSuchContainer, find_container
from wherry.store.networks import (
    Network,
    endpoints_on,
    ensure_default_networks,
    find_network,
    release_endpoint,
)
from wherry.values import replace

if TYPE_CHECKING:
    from wherry.engine.engine import Engine


class NoConnecting(PermissionDenied):
    """The container's network is not its own."""


def connect_network(engine: "Engine", name: str, attachment: NetworkAttachment) -> None:
    """Put the container called `name` on a network."""
    ensure_default_networks(engine.store)
    network = find_network(engine.store, attachment.network)
    container = find_live_container(engine, name)
    _check_mode(container, network)
    attachment = replace(attachment, network=network.name)
    check_attachment(network, attachment)
    if container.status.has_process:
        carry_out(engine, container, "join", {"attachment": to_json(attachment)})
    else:

        def join(found: Container) -> None:
            if any(is_meant(one, network) for one in found.config.attachments):
                raise AlreadyConnected(found, network)
            with_attachment(engine, found, attachment)

        _change_stopped(engine, container, join)
    _publish(engine, "connect", network, container)


def disconnect_network(
    engine: "Engine", network_name: str, name: str, *, force: bool = False
) -> None:
    """Take the container called `name` off a network. With `force` it need not be there."""
    ensure_default_networks(engine.store)
    network = find_network(engine.store, network_name)
    try:
        container = find_live_container(engine, name)
    except NoSuchContainer:
        if force and _release_stale(engine, network, name):
            return
        raise
    if network.name == "host":
        raise PermissionDenied(
            "container cannot be disconnected from host network or connected to host network"
        )
    if container.status.has_process:
        carry_out(engine, container, "leave", {"network": network.id})
    else:
        _change_stopped(engine, container, lambda found: without_attachment(engine, found, network))
    _publish(engine, "disconnect", network, container)


def _check_mode(container: Container, network: Network) -> None:
    mode = container.config.network_mode
    if mode.startswith("container:"):
        raise NoConnecting(
            "container sharing network namespace with another container or host cannot be"
            " connected to any other network"
        )
    attached = {attachment.network for attachment in container.config.attachments}
    if "host" in attached or network.name == "host":
        raise NoConnecting(
            "container cannot be disconnected from host network or connected to host network"
        )
    if "none" in attached or network.name == "none":
        raise NoConnecting(
            "container cannot be connected to multiple networks with one of the networks in"
            " private (none) mode"
        )


def _change_stopped(
    engine: "Engine", container: Container, change: Callable[[Container], object]
) -> None:
    """With the container's lock, so that it does not start meanwhile."""
    with opened(take_shim_lock(engine.store, container.id)):
        change(find_container(engine.store, container.id))
        remove_tree(engine.store.container_run_folder(container.id))


def _release_stale(engine: "Engine", network: Network, container_id: str) -> bool:
    """Whether an endpoint of a container that is gone was there."""
    stale = [
        endpoint
        for endpoint in endpoints_on(engine.store, network.id)
        if endpoint.container_id.startswith(container_id)
    ]
    for endpoint in stale:
        release_endpoint(engine.store, endpoint)
    return bool(stale)


def _publish(engine: "Engine", action: str, network: Network, container: Container) -> None:
    attributes = {"container": container.id, "name": network.name, "type": network.driver}
    engine.events.publish("network", action, network.id, attributes)
