"""What each layer of an image brings, changes and removes, and what of it nobody sees any more.

Of a container its read-write layer too, as the topmost.
"""

import os
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from wherry.errors import NotFound
from wherry.linux.openat import READABLE_DIRECTORY, directory_descriptor, opened
from wherry.linux.xattr import get_xattr
from wherry.oci.digest import DiffID, Digest
from wherry.store.containers import Container, find_container
from wherry.store.diff import ChangeKind
from wherry.store.images import NoSuchImage, StoredImage, find_image, layers_of
from wherry.store.layers import diff_folder, get_layer
from wherry.store.overlay import OPAQUE, is_whiteout, opaque_xattr
from wherry.store.pack import check_depth
from wherry.values import dataclass

if TYPE_CHECKING:
    from wherry.engine.engine import Engine


@dataclass(frozen=True, kw_only=True, slots=True)
class LayerChange:
    """A file, link or the like that a layer adds, changes or removes; `size` of what it brings."""

    kind: ChangeKind
    path: str
    size: int


@dataclass(frozen=True, kw_only=True, slots=True)
class LayerReport:
    """One layer. `wasted` are bytes of it that a later one replaces or removes.

    A container's own layer has no `diff_id`.
    """

    diff_id: DiffID | None
    instruction: str
    size: int
    changes: tuple[LayerChange, ...]
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
    """An image, or with a `container` that and its own layer."""

    id: Digest
    name: str
    container: str
    layers: tuple[LayerReport, ...]
    waste: tuple[Waste, ...]

    @property
    def size(self) -> int:
        return sum(layer.size for layer in self.layers)

    @property
    def wasted(self) -> int:
        return sum(layer.wasted for layer in self.layers)

    @property
    def user_wasted(self) -> float:
        """Wasted bytes as a share of those above the base layer; 0 where there are none."""
        above = sum(layer.size for layer in self.layers[1:])
        return self.wasted / above if above else 0.0

    @property
    def efficiency(self) -> float:
        """The share of the bytes that can be seen; 1 for an image that wastes none."""
        return 1.0 - self.wasted / self.size if self.size else 1.0


@dataclass(frozen=True, kw_only=True, slots=True)
class _Source:
    """A layer to be looked into. One without a `size` has that of its files."""

    folder: Path
    instruction: str
    diff_id: DiffID | None = None
    size: int | None = None


def analyze_image(engine: "Engine", name: str) -> ImageReport:
    """The layers of the image called `name`, or of the container if no image is, lowest first."""
    try:
        image = find_image(engine.store.database.connection, name)
    except NoSuchImage as missing:
        try:
            container = find_container(engine.store, name)
        except NotFound:
            raise missing from None
        return _analyze_container(engine, container)
    return _report(image.id, name, "", list(_image_sources(engine, image)))


def _analyze_container(engine: "Engine", container: Container) -> ImageReport:
    image = find_image(engine.store.database.connection, container.image_id)
    own = _Source(
        folder=engine.store.container_folder(container.id) / "upper",
        instruction=f"container {container.name}: its read-write layer",
    )
    sources = [*_image_sources(engine, image), own]
    return _report(image.id, container.config.image, container.name, sources)


def _image_sources(engine: "Engine", image: StoredImage) -> Iterator[_Source]:
    store = engine.store
    chains = layers_of(store.database.connection, image.id)
    history = (
        entry.created_by or entry.comment for entry in image.config.history if not entry.empty_layer
    )
    for chain in chains:
        layer = get_layer(store, chain)
        yield _Source(
            folder=diff_folder(store, layer),
            instruction=next(history, ""),
            diff_id=layer.diff_id,
            size=layer.size,
        )


def _report(image_id: Digest, name: str, container: str, sources: Sequence[_Source]) -> ImageReport:
    stack = _Stack()
    changes = [stack.add(source.folder) for source in sources]
    return ImageReport(
        id=image_id,
        name=name,
        container=container,
        layers=tuple(
            LayerReport(
                diff_id=source.diff_id,
                instruction=source.instruction,
                size=sum(change.size for change in own) if source.size is None else source.size,
                changes=tuple(own),
                wasted=wasted,
            )
            for source, own, wasted in zip(sources, changes, stack.wasted, strict=True)
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

    def add(self, folder: Path) -> list[LayerChange]:
        """Put a layer on top; what it changes about those below, in order of paths."""
        number = len(self.wasted)
        self.wasted.append(0)
        new: dict[str, int] = {}
        gone: set[str] = set()
        with directory_descriptor(folder) as top:
            for path, size in _entries(top, ""):
                if size is None:
                    gone |= self._below(path)
                else:
                    new[path] = size
        changes = [
            LayerChange(kind=ChangeKind.DELETED, path=f"/{path}", size=0)
            for path in gone - new.keys()
        ]
        for path, size in new.items():
            kind = ChangeKind.CHANGED if path in self._shown else ChangeKind.ADDED
            changes.append(LayerChange(kind=kind, path=f"/{path}", size=size))
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
