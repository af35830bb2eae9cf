"""Where the disk space went: `system df`, by Docker's arithmetic."""

from collections import Counter
from typing import TYPE_CHECKING

from wherry.engine.builds.usage import CacheUsage, cache_usage
from wherry.engine.containers.size import writable_size
from wherry.engine.volumes.prune import size_of
from wherry.oci.digest import ChainID
from wherry.oci.reference import Reference
from wherry.store.containers import Container, list_containers
from wherry.store.images import StoredImage, all_names, layers_of, list_images
from wherry.store.layers import list_layers
from wherry.store.volumes import Volume, list_volumes, users_of_volumes
from wherry.values import dataclass

if TYPE_CHECKING:
    from wherry.engine.engine import Engine


@dataclass(frozen=True, kw_only=True, slots=True)
class ImageUsage:
    """`shared_size` is the part of `size` in layers that other images have too; bytes."""

    image: StoredImage
    names: tuple[Reference, ...]
    size: int
    shared_size: int
    containers: int


@dataclass(frozen=True, kw_only=True, slots=True)
class ContainerUsage:
    container: Container
    size: int


@dataclass(frozen=True, kw_only=True, slots=True)
class VolumeUsage:
    volume: Volume
    size: int
    links: int


@dataclass(frozen=True, kw_only=True, slots=True)
class DiskUsage:
    """`layers_size` counts each layer once. All in bytes."""

    layers_size: int
    images: tuple[ImageUsage, ...]
    containers: tuple[ContainerUsage, ...]
    volumes: tuple[VolumeUsage, ...]
    builds: CacheUsage


def disk_usage(engine: "Engine") -> DiskUsage:
    """What images, containers and volumes take. Walks every container's and volume's files."""
    containers = list(list_containers(engine.store))
    sizes = {layer.chain_id: layer.size for layer in list_layers(engine.store)}
    users = users_of_volumes(engine.store)
    builds = cache_usage(engine)
    own = {entry.chain_id: entry.size for entry in builds.entries if not entry.shared}
    return DiskUsage(
        layers_size=sum(sizes[chain] for chain in sizes if chain not in own),
        builds=builds,
        images=_images(engine, sizes, Counter(container.image_id for container in containers)),
        containers=tuple(
            ContainerUsage(container=container, size=writable_size(engine, container))
            for container in containers
        ),
        volumes=tuple(
            VolumeUsage(
                volume=volume,
                size=size_of(engine, volume),
                links=len(users.get(volume.name, ())),
            )
            for volume in list_volumes(engine.store)
        ),
    )


def _images(
    engine: "Engine", sizes: dict[ChainID, int], containers: Counter[str]
) -> tuple[ImageUsage, ...]:
    connection = engine.store.database.connection
    images = list(list_images(connection))
    chains = {image.id: layers_of(connection, image.id) for image in images}
    owners = Counter(chain for layers in chains.values() for chain in set(layers))
    names = all_names(connection)
    return tuple(
        ImageUsage(
            image=image,
            names=tuple(names.get(image.id, ())),
            size=sum(sizes.get(chain, 0) for chain in chains[image.id]),
            shared_size=sum(sizes.get(chain, 0) for chain in chains[image.id] if owners[chain] > 1),
            containers=containers[str(image.id)],
        )
        for image in images
    )
