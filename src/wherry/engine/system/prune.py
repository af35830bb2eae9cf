"""Removing at once whatever is not in use: what each noun's prune removes."""

from typing import TYPE_CHECKING

from wherry.engine.builds.prune import PrunedCache, prune_cache
from wherry.engine.containers.prune import PrunedContainers, prune_containers
from wherry.engine.filters import Filters
from wherry.engine.images.prune import PrunedImages, prune_images
from wherry.engine.networks.remove import prune_networks
from wherry.engine.volumes.prune import PrunedVolumes, prune_volumes
from wherry.errors import InvalidArgument
from wherry.store.garbage import collect
from wherry.values import dataclass

if TYPE_CHECKING:
    from wherry.engine.engine import Engine


@dataclass(frozen=True, kw_only=True, slots=True)
class PrunedSystem:
    """What went; `leftovers` are bytes of content that killed processes had left."""

    containers: PrunedContainers
    networks: list[str]
    volumes: PrunedVolumes
    images: PrunedImages
    builds: PrunedCache
    leftovers: int

    @property
    def space_reclaimed(self) -> int:
        return (
            self.containers.space_reclaimed
            + self.volumes.space_reclaimed
            + self.images.space_reclaimed
            + self.builds.space_reclaimed
            + self.leftovers
        )


def check_filters(filters: Filters, *, volumes: bool) -> None:
    """Docker's refusal of a filter that volumes do not have."""
    if volumes and "until" in filters:
        raise InvalidArgument('ERROR: The "until" filter is not supported with "--volumes"')


def prune_system(
    engine: "Engine",
    *,
    all_images: bool = False,
    volumes: bool = False,
    filters: Filters | None = None,
) -> PrunedSystem:
    """Remove stopped containers, unused networks, images and, if asked for, anonymous volumes.

    Containers go first, since they hold the rest; garbage goes with them.
    """
    filters = dict(filters or {})
    check_filters(filters, volumes=volumes)
    containers = prune_containers(engine, filters)
    networks = prune_networks(engine, filters)
    gone = prune_volumes(engine, filters) if volumes else PrunedVolumes(names=(), space_reclaimed=0)
    dangling = ("false",) if all_images else ("true",)
    images = prune_images(engine, {**filters, "dangling": dangling})
    builds = PrunedCache(entries=(), space_reclaimed=0)
    if not filters.keys() - {"until"}:  # the cache has no labels to go by
        builds = prune_cache(engine, filters, everything=all_images)
    return PrunedSystem(
        containers=containers,
        networks=networks,
        volumes=gone,
        images=images,
        builds=builds,
        leftovers=collect(engine.store).freed,
    )
