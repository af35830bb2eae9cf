"""What each layer of an image brings, changes and removes, and what of it nobody sees any more."""

import os
import stat
from collections.abc import Iterator
from typing import TYPE_CHECKING

from wherry.linux.openat import READABLE_DIRECTORY, directory_descriptor, opened
from wherry.linux.xattr import get_xattr
from wherry.oci.digest import DiffID, Digest
from wherry.store.diff import Change, ChangeKind
from wherry.store.images import find_image, layers_of
from wherry.store.layers import Layer, diff_folder, get_layer
from wherry.store.overlay import OPAQUE, is_whiteout, opaque_xattr
from wherry.store.pack import check_depth
from wherry.values import dataclass

if TYPE_CHECKING:
    from wherry.engine.engine import Engine


@dataclass(frozen=True, kw_only=True, slots=True)
class LayerReport:
    """One layer. `wasted` are bytes of it that a later one replaces or removes."""

    diff_id: DiffID
    instruction: str
    size: int
    changes: tuple[Change, ...]
    wasted: int

    def count(self, kind: ChangeKind) -> int:
        """How many files, links and the like were added, changed or deleted."""
        return sum(change.kind is kind for change in self.changes)


@dataclass(frozen=True, kw_only=True, slots=True)
class Waste:
    """A path that is stored more often than it is seen; bytes of all the unseen ones."""

    path: str
    size: int
    times: int


@dataclass(frozen=True, kw_only=True, slots=True)
class ImageReport:
    id: Digest
    layers: tuple[LayerReport, ...]
    waste: tuple[Waste, ...]

    @property
    def size(self) -> int:
        return sum(layer.size for layer in self.layers)

    @property
    def wasted(self) -> int:
        return sum(layer.wasted for layer in self.layers)

    @property
    def efficiency(self) -> float:
        """The share of the bytes that can be seen; 1 for an image that wastes none."""
        return 1.0 - self.wasted / self.size if self.size else 1.0


def analyze_image(engine: "Engine", name: str) -> ImageReport:
    """The layers of the image called `name`, lowest first."""
    connection = engine.store.database.connection
    image = find_image(connection, name)
    layers = [get_layer(engine.store, chain) for chain in layers_of(connection, image.id)]
    instructions = [
        entry.created_by or entry.comment for entry in image.config.history if not entry.empty_layer
    ]
    instructions += [""] * (len(layers) - len(instructions))
    stack = _Stack()
    changes = [stack.add(engine, layer) for layer in layers]
    return ImageReport(
        id=image.id,
        layers=tuple(
            LayerReport(
                diff_id=layer.diff_id,
                instruction=instruction,
                size=layer.size,
                changes=tuple(own),
                wasted=wasted,
            )
            for layer, instruction, own, wasted in zip(
                layers, instructions, changes, stack.wasted, strict=False
            )
        ),
        waste=stack.waste,
    )


class _Stack:
    """The files that the layers so far show: by path their size and the number of their layer."""

    def __init__(self) -> None:
        self._shown: dict[str, tuple[int, int]] = {}
        self._wasted_at: dict[str, list[int]] = {}
        self.wasted: list[int] = []

    @property
    def waste(self) -> tuple[Waste, ...]:
        """The paths that waste the most first."""
        found = (
            Waste(path=f"/{path}", size=sum(sizes), times=len(sizes))
            for path, sizes in self._wasted_at.items()
            if sum(sizes)
        )
        return tuple(sorted(found, key=lambda each: (-each.size, each.path)))

    def add(self, engine: "Engine", layer: Layer) -> list[Change]:
        """Put a layer on top; what it changes about those below, in order of paths."""
        number = len(self.wasted)
        self.wasted.append(0)
        new: dict[str, int] = {}
        gone: set[str] = set()
        with directory_descriptor(diff_folder(engine.store, layer)) as top:
            for path, size in _entries(top, ""):
                if size is None:
                    gone |= self._below(path)
                else:
                    new[path] = size
        changes = [Change(ChangeKind.DELETED, f"/{path}") for path in gone - new.keys()]
        for path, size in new.items():
            kind = ChangeKind.CHANGED if path in self._shown else ChangeKind.ADDED
            changes.append(Change(kind, f"/{path}"))
            self._forget(path)
            self._shown[path] = (size, number)
        for path in gone - new.keys():
            self._forget(path)
        return sorted(changes, key=lambda change: change.path)

    def _below(self, path: str) -> set[str]:
        if path in self._shown:
            return {path}
        front = f"{path}/" if path else ""
        return {known for known in self._shown if known.startswith(front)}

    def _forget(self, path: str) -> None:
        size, number = self._shown.pop(path, (0, -1))
        if number >= 0:
            self.wasted[number] += size
            self._wasted_at.setdefault(path, []).append(size)


def _entries(directory: int, path: str) -> Iterator[tuple[str, int | None]]:
    """The paths of what is no directory with their sizes; None for what hides the layers below."""
    with os.scandir(directory) as entries:
        listed = sorted(entries, key=lambda entry: entry.name)
    for entry in listed:
        here = f"{path}/{entry.name}" if path else entry.name
        status = entry.stat(follow_symlinks=False)
        if is_whiteout(status):
            yield here, None
        elif not stat.S_ISDIR(status.st_mode):
            yield here, status.st_size if stat.S_ISREG(status.st_mode) else 0
        else:
            check_depth(os.fsencode(here))
            flags = READABLE_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
            with opened(os.open(entry.name, flags, dir_fd=directory)) as below:
                if get_xattr(below, opaque_xattr()) == OPAQUE:
                    yield here, None
                yield from _entries(below, here)
