"""Making a container: everything but its process.

Until the row is committed there is no container. Its folder is staged and comes in place with the
row; anonymous volumes are undone by a failure, and by a kill left for `volume prune`.
"""

import os
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from wherry.engine.containers.complete import complete_defaults, complete_from_image
from wherry.engine.containers.mount_points import make_mount_points
from wherry.engine.containers.names import ATTEMPTS, checked_name, generated_name, new_id
from wherry.engine.containers.runtimes import check_runtime
from wherry.engine.containers.spec.namespaces import with_resolved_modes
from wherry.engine.containers.validate import check_config, check_program
from wherry.engine.containers.warnings import create_warnings, platform_warnings
from wherry.engine.images.resolve import PullPolicy, ResolvedImage, resolve_image
from wherry.engine.networks.attachments import check_attachment
from wherry.engine.privilege import check_root
from wherry.errors import InvalidArgument
from wherry.linux.files import remove_tree
from wherry.oci.container_config import ContainerConfig, NetworkAttachment
from wherry.oci.platform import Platform
from wherry.oci.reference import Reference
from wherry.oci.timestamps import format_timestamp
from wherry.shim.events import container_event
from wherry.store.containers import (
    Container,
    Details,
    NameInUse,
    NoSuchContainer,
    State,
    find_container,
    insert_container,
)
from wherry.store.networks import ensure_default_networks, find_network
from wherry.store.snapshots import prepare_folder
from wherry.typed import TYPE_CHECKING
from wherry.values import replace

if TYPE_CHECKING:
    from wherry.engine.engine import Engine

ROOTFS = "rootfs"  # where its init mounts the root, for itself alone


def create_container(
    engine: "Engine",
    config: ContainerConfig,
    name: str | None = None,
    *,
    pull: PullPolicy = PullPolicy.MISSING,
    notify: Callable[[str], None] | None = None,
) -> Container:
    """Make a container that does not run yet; without a `name` it gets a made-up one.

    `details.extra["warnings"]` has what Docker warns of. Raises InvalidArgument in Docker's
    words for what can never work, NotFound for a missing image, network or container, NameInUse.
    """
    if name:
        name = checked_name(name)
    check_config(config)
    check_root("containers")
    check_runtime(config.runtime)
    image = resolve_image(
        engine,
        config.image,
        platform=Platform.parse(config.platform) if config.platform else None,
        pull=pull,
        notify=notify,
    )
    container_id = new_id()
    config = complete_from_image(config, image.config.config)
    config = complete_defaults(config, container_id)
    config = with_resolved_modes(engine.store, config)
    check_program(config)
    config = _with_networks(engine, config)
    _check_links(engine, config)
    return _make(engine, container_id, name or "", config, image)


def _with_networks(engine: "Engine", config: ContainerConfig) -> ContainerConfig:
    """The configuration with networks by their names; each must be there, and fit what is asked."""
    ensure_default_networks(engine.store)
    if not config.networks:
        if not config.network_mode.startswith("container:"):
            find_network(engine.store, _real_name(config.network_mode))
        return config
    if config.network_mode.startswith("container:"):
        return config
    attachments: dict[str, NetworkAttachment] = {}
    for attachment in config.networks:
        network = find_network(engine.store, _real_name(attachment.network))
        check_attachment(network, attachment)
        name = attachment.network if attachment.network == "default" else network.name
        # The mode may have by its ID the network that says more under its name.
        if attachments.get(name) in (None, NetworkAttachment(network=name)):
            attachments[name] = replace(attachment, network=name)
    return replace(config, networks=tuple(attachments.values()))


def _real_name(network: str) -> str:
    return "bridge" if network == "default" else network


def _check_links(engine: "Engine", config: ContainerConfig) -> None:
    """Containers that are named must be there."""
    for link in config.links:
        target = link.partition(":")[0]
        try:
            find_container(engine.store, target)
        except NoSuchContainer as error:
            raise InvalidArgument(f"could not get container for {target}: {error}") from error


def _make(
    engine: "Engine", container_id: str, name: str, config: ContainerConfig, image: ResolvedImage
) -> Container:
    top = image.chain_ids[-1] if image.chain_ids else None
    program = (*(config.entrypoint or ()), *(config.command or ()))
    with ExitStack() as undo:
        container = Container(
            id=container_id,
            name=name,
            image_id=str(image.id),
            created=format_timestamp(time.time_ns()),
            config=config,
            details=Details(
                image_name=config.image,
                path=program[0],
                args=program[1:],
                layer_chain=str(top or ""),
                mounts=make_mount_points(engine, config, top, undo),
                extra={
                    "warnings": [*create_warnings(config), *platform_warnings(config, image)],
                    "reference": _full_reference(config.image, image),
                },
            ),
            state=State(),
        )
        engine.store.trace("container planned")
        with engine.store.staging_folder() as staging:
            staged = staging / container_id
            os.mkdir(staged, 0o710)
            prepare_folder(staged)
            os.mkdir(staged / ROOTFS, 0o755)
            undo.callback(remove_tree, engine.store.container_folder(container_id))
            container = _insert(engine, container, staged)
        undo.pop_all()
    engine.store.trace("container committed")
    container_event(engine.store, container, "create")
    return container


def _full_reference(name: str, image: ResolvedImage) -> str:
    """The name in full by which the image was asked for, "" for an ID: ps tells if it moved."""
    if image.id.hex.startswith(name.removeprefix("sha256:")):
        return ""
    return Reference.parse(name).with_default_tag().full


def _insert(engine: "Engine", container: Container, staged: Path) -> Container:
    """Commit the row; a made-up name that is taken gives way to another."""
    if container.name:
        insert_container(engine.store, container, staged)
        return container
    for attempt in range(ATTEMPTS):
        named = replace(container, name=generated_name(attempt))
        try:
            insert_container(engine.store, named, staged)
        except NameInUse:
            continue
        return named
    named = replace(container, name=container.id[:12])
    insert_container(engine.store, named, staged)
    return named
