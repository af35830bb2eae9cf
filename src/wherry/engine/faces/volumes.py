"""`Engine().volumes`."""

import builtins
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from wherry.engine.filters import Filters
from wherry.engine.volumes.content import (
    copy_volume,
    export_volume,
    import_volume,
    move_volume,
)
from wherry.engine.volumes.create import create_volume
from wherry.engine.volumes.list import list_volumes
from wherry.engine.volumes.prune import PrunedVolumes, prune_volumes
from wherry.engine.volumes.remove import remove_volume
from wherry.store.volumes import Volume, get_volume

if TYPE_CHECKING:
    from wherry.engine.engine import Engine


class Volumes:
    def __init__(self, engine: "Engine") -> None:
        self._engine = engine

    def create(
        self,
        name: str = "",
        *,
        driver: str = "local",
        options: Mapping[str, str] | None = None,
        labels: Mapping[str, str] | None = None,
    ) -> Volume:
        """The volume of this name, made if it is not there; without a name an anonymous one."""
        return create_volume(self._engine, name, driver=driver, options=options, labels=labels)

    def get(self, name: str) -> Volume:
        return get_volume(self._engine.store, name)

    def list(self, filters: Filters | None = None) -> builtins.list[Volume]:
        return list_volumes(self._engine, filters)

    def remove(self, name: str, *, force: bool = False) -> None:
        remove_volume(self._engine, name, force=force)

    def prune(self, filters: Filters | None = None) -> PrunedVolumes:
        """Remove the anonymous ones that no container has."""
        return prune_volumes(self._engine, filters)

    def export(self, name: str) -> Iterator[bytes]:
        """The pieces of a tar with what is in the volume."""
        return export_volume(self._engine, name)

    def import_(self, name: str, chunks: Iterable[bytes]) -> Volume:
        """Unpack a tar into a volume, which is made if it is not there."""
        return import_volume(self._engine, name, chunks)

    def copy(self, source: str, target: str) -> Volume:
        return copy_volume(self._engine, source, target)

    def rename(self, old: str, new: str) -> Volume:
        return move_volume(self._engine, old, new)
