"""Where the bytes of the root folder are: what du(1) says of it, each of them attributed.

Docker's own arithmetic (`df`) adds up the lengths of unpacked files. A disk holds more: blocks are
filled up, layers stay in the form that they came in, and there are a database and logs.
"""

import os
from collections.abc import Iterator
from contextlib import suppress
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING

from wherry.build.mounts import CACHES
from wherry.errors import InvalidArgument
from wherry.oci.digest import ChainID, Digest
from wherry.oci.manifest import Manifest
from wherry.store.blobs import list_blobs
from wherry.store.layers import chain_of, list_layers
from wherry.store.snapshots import EMPTY, INIT
from wherry.store.usage import Counter
from wherry.values import dataclass

if TYPE_CHECKING:
    from wherry.engine.engine import Engine
    from wherry.engine.system.df import DiskUsage


class Noun(Enum):
    """What `system df` has a line for."""

    IMAGES = "Images"
    CONTAINERS = "Containers"
    VOLUMES = "Local Volumes"
    BUILDS = "Build Cache"
    OTHER = "Other"


@dataclass(frozen=True, kw_only=True, slots=True)
class Share:
    """A part of the disk space, in bytes; `reclaimable` is what pruning would free of it."""

    noun: Noun
    content: str
    place: str
    size: int
    reclaimable: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class DiskSpace:
    shares: tuple[Share, ...]

    @property
    def size(self) -> int:
        return sum(share.size for share in self.shares)

    def of(self, noun: Noun) -> tuple[int, int]:
        """Its size, and how much of that is reclaimable."""
        own = [share for share in self.shares if share.noun is noun]
        return sum(share.size for share in own), sum(share.reclaimable for share in own)


def disk_space(engine: "Engine", usage: "DiskUsage") -> DiskSpace:
    """The space on disk of everything under the root folder. Looks at every file."""
    return DiskSpace(shares=tuple(share for share in _Survey(engine, usage).shares() if share.size))


class _Survey:
    def __init__(self, engine: "Engine", usage: "DiskUsage") -> None:
        self._store = engine.store
        self._usage = usage
        self._counter = Counter()

    def shares(self) -> Iterator[Share]:
        yield from self._layers()
        yield self._blobs()
        yield self._containers()
        yield self._volumes()
        build = self._store.root / "build"
        mounts = self._counter.tree(build / CACHES)
        yield _share(Noun.BUILDS, "cache mounts", f"build/{CACHES}", mounts, mounts)
        yield _share(Noun.BUILDS, "hashes of contexts' files", "build", self._counter.tree(build))
        downloads = self._tree("downloads")
        yield _share(Noun.OTHER, "downloads to go on with", "downloads", downloads, downloads)
        yield _share(Noun.OTHER, "staged files", "tmp", self._tree("tmp"))
        database = sum(self._tree(f"wherry.db{suffix}") for suffix in ("", "-wal", "-shm"))
        yield _share(Noun.OTHER, "database", "wherry.db", database)
        rest = self._counter.tree(self._store.root)
        yield _share(Noun.OTHER, "everything else", ".", rest)

    def _layers(self) -> Iterator[Share]:
        """Layers of images, then those that only the build cache holds."""
        used = self._used_chains()
        own = {entry.chain_id for entry in self._usage.builds.entries if not entry.shared}
        sizes = {Noun.IMAGES: [0, 0], Noun.BUILDS: [0, 0]}
        for layer in list_layers(self._store):
            size = self._tree(f"layers/{layer.id}")
            sums = sizes[Noun.BUILDS if layer.chain_id in own else Noun.IMAGES]
            sums[0] += size
            sums[1] += 0 if layer.chain_id in used else size
        shared = sum(self._tree(f"layers/{name}") for name in (INIT, EMPTY))
        yield _share(Noun.OTHER, "what all containers stand on", f"layers/{INIT}", shared)
        sizes[Noun.IMAGES][0] += self._tree("layers")
        for noun, (size, reclaimable) in sizes.items():
            content = "unpacked layers" if noun is Noun.IMAGES else "layers of steps"
            yield _share(noun, content, "layers", size, reclaimable)

    def _blobs(self) -> Share:
        used = self._used_blobs()
        reclaimable = 0
        size = 0
        for blob in list_blobs(self._store):
            path = Path("blobs", blob.digest.algorithm, blob.digest.hex)
            own = self._tree(path)
            size += own
            reclaimable += 0 if blob.digest in used else own
        size += self._tree("blobs")
        return _share(Noun.IMAGES, "layers as they were pulled", "blobs", size, reclaimable)

    def _containers(self) -> Share:
        reclaimable = 0
        size = 0
        for each in self._usage.containers:
            own = self._tree(f"containers/{each.container.id}")
            size += own
            reclaimable += 0 if each.container.status.has_shim else own
        size += self._tree("containers")
        content = "files, logs, configurations"
        return _share(Noun.CONTAINERS, content, "containers", size, reclaimable)

    def _volumes(self) -> Share:
        reclaimable = 0
        size = 0
        for each in self._usage.volumes:
            own = self._tree(f"volumes/{each.volume.name}")
            size += own
            reclaimable += 0 if each.links else own
        size += self._tree("volumes")
        return _share(Noun.VOLUMES, "files", "volumes", size, reclaimable)

    def _used_chains(self) -> set[ChainID]:
        tops = {each.container.details.layer_chain for each in self._usage.containers} - {""}
        return {layer.chain_id for top in tops for layer in chain_of(self._store, ChainID(top))}

    def _used_blobs(self) -> set[Digest]:
        used: set[Digest] = set()
        for each in self._usage.images:
            if each.containers and each.image.manifest is not None:
                with suppress(InvalidArgument):  # a damaged one is no matter of this
                    manifest = Manifest.from_bytes(each.image.manifest)
                    used.update(layer.digest for layer in manifest.layers)
        return used

    def _tree(self, below: str | os.PathLike[str]) -> int:
        return self._counter.tree(self._store.root / below)


def _share(noun: Noun, content: str, place: str, size: int, reclaimable: int = 0) -> Share:
    return Share(noun=noun, content=content, place=place, size=size, reclaimable=reclaimable)
