"""Making an image of what a container has become."""

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from wherry.engine.containers.complete import complete_from_image
from wherry.engine.containers.pause import pause_container
from wherry.engine.containers.root import top_layer
from wherry.engine.containers.unpause import unpause_container
from wherry.errors import Conflict, NotFound
from wherry.images.changes import apply_changes
from wherry.images.ingest import NewImage, commit_images
from wherry.oci.container_config import ContainerConfig, Healthcheck
from wherry.oci.digest import EMPTY_TAR, Digest
from wherry.oci.image_config import ContainerDefaults, HealthConfig, History, RootFS
from wherry.oci.reference import Reference
from wherry.oci.timestamps import format_timestamp
from wherry.shim.events import container_event
from wherry.store.containers import Container, Status, find_container
from wherry.store.diff import layer_tar
from wherry.store.images import image_of_id
from wherry.store.layers import Layer, NoSuchLayer, chain_of, claim_layer, register_layer
from wherry.store.leases import Lease, lease_of
from wherry.values import replace

if TYPE_CHECKING:
    from wherry.engine.engine import Engine

_REFUSED = {Status.DEAD: "Dead", Status.REMOVING: "being removed"}


class CannotCommit(Conflict):
    def __init__(self, container: Container) -> None:
        state = _REFUSED[container.status]
        super().__init__(f"You cannot commit container {container.id} which is {state}")


def commit_container(
    engine: "Engine",
    name: str,
    tag: Reference | None = None,
    *,
    author: str = "",
    message: str = "",
    changes: Iterable[str] = (),
    pause: bool = True,
    config: ContainerConfig | None = None,
) -> Digest:
    """Make an image of the container called `name`, called `tag`; its ID.

    Its processes stand still meanwhile, unless `pause` is False. `changes` are Dockerfile
    instructions on top of the container's configuration, or of `config`, which has the container's
    word wherever it has none of its own.
    """
    store = engine.store
    container = find_container(store, name)
    if container.status in _REFUSED:
        raise CannotCommit(container)
    parent = image_of_id(store.database.connection, Digest(container.image_id))
    defaults = defaults_of(container.config)
    if config is not None:
        defaults = defaults_of(complete_from_image(config, defaults))
    defaults = apply_changes(defaults, changes)
    with lease_of(store) as lease, _standing_still(engine, container, wanted=pause):
        below = _layers(lease, container)
        upper = store.container_folder(container.id) / "upper"
        top = below[-1] if below else None
        layer = register_layer(lease, layer_tar(upper, holes=False), top)
        # As with Docker, a container that changed no file adds a line of history and no layer.
        is_empty = layer.diff_id == EMPTY_TAR
        layers = below if is_empty else [*below, layer]
        moment = time.time_ns()
        created = format_timestamp(moment)
        document = replace(
            parent.config,
            config=defaults,
            created=created,
            author=author,
            comment=message,
            rootfs=RootFS(type="layers", diff_ids=tuple(one.diff_id for one in layers)),
            history=(
                *parent.config.history,
                History(
                    created=created,
                    created_by=" ".join(container.config.command or ()),
                    author=author,
                    comment=message,
                    empty_layer=is_empty,
                ),
            ),
        )
        new = NewImage(
            document=document.to_bytes(),
            layers=tuple(layers),
            names=(tag,) if tag is not None else (),
            parent_id=parent.id,
        )
        (committed,) = commit_images(lease, [new], reason="commit")
        image = committed.image
    container_event(
        store,
        container,
        "commit",
        comment=message,
        imageID=str(image.id),
        imageRef=tag.full if tag else "",
    )
    return image.id


def _layers(lease: Lease, container: Container) -> list[Layer]:
    """The layers that the container stands on, lowest first, kept for the lease."""
    layers = [*reversed(chain_of(lease.store, top_layer(container)))]
    for layer in layers:
        if claim_layer(lease, layer.chain_id) is None:
            raise NoSuchLayer(layer.chain_id)
    return layers


@contextmanager
def _standing_still(engine: "Engine", container: Container, *, wanted: bool) -> Iterator[None]:
    if not wanted or container.status is not Status.RUNNING:
        yield
        return
    try:
        pause_container(engine, container.id)
    except (Conflict, NotFound):  # it has ended meanwhile, or somebody paused it
        yield
        return
    try:
        yield
    finally:
        with suppress(Conflict, NotFound):  # its last process was ending as it was paused
            unpause_container(engine, container.id)


def defaults_of(config: ContainerConfig) -> ContainerDefaults:
    """What a container was made with, as the defaults of an image."""
    published = (f"{port.container_port}/{port.protocol}" for port in config.ports)
    return ContainerDefaults(
        user=config.user,
        exposed_ports={port: {} for port in sorted({*config.exposed_ports, *published})},
        env=config.env,
        cmd=config.command,
        healthcheck=_health(config.healthcheck),
        volumes={path: {} for path in config.image_volumes},
        working_dir=config.working_dir,
        entrypoint=config.entrypoint,
        labels=config.labels,
        stop_signal=config.stop_signal,
        stop_timeout=config.stop_timeout,
        shell=config.shell,
        on_build=config.on_build,
        args_escaped=config.args_escaped,
    )


def _health(check: Healthcheck | None) -> HealthConfig | None:
    if check is None:
        return None
    return HealthConfig(
        test=check.test,
        interval=check.interval,
        timeout=check.timeout,
        start_period=check.start_period,
        start_interval=check.start_interval,
        retries=check.retries,
    )
