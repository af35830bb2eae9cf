"""What a container changed: the difference between its upper directory and the layers below.

`changes` tells it as `docker diff` prints it, `layer_tar` writes it as a layer: what overlayfs
keeps as a character device 0:0 or an opaque directory becomes the image specification's `.wh.`
files, the reverse of `unpack`.
"""

import hashlib
import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from enum import Enum
from pathlib import Path

from wherry.linux.openat import READABLE_DIRECTORY, directory_descriptor, opened
from wherry.linux.xattr import get_entry_xattr, get_xattr
from wherry.oci.digest import DiffID
from wherry.store.overlay import OPAQUE, is_whiteout, opaque_xattr
from wherry.store.pack import Packed, Packer, check_depth
from wherry.store.tar.entry import Kind, TarEntry
from wherry.store.unpack import OPAQUE_MARKER, WHITEOUT, Unpacked
from wherry.values import dataclass

_CAPABILITY = "security.capability"
_OPEN_DIRECTORY = READABLE_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


class ChangeKind(Enum):
    """The letters of `docker diff`; Docker's API numbers them 0, 1, 2 in this order."""

    CHANGED = "C"
    ADDED = "A"
    DELETED = "D"


@dataclass(frozen=True, slots=True)
class Change:
    """One line of `docker diff`; `path` is absolute."""

    kind: ChangeKind
    path: str


def changes(upper: Path, lower: Sequence[Path]) -> list[Change]:
    """What `upper` changes about the lower directories (topmost first).

    In each directory what is there comes first, and then what is gone, both in order of names:
    Docker's order, as far as it has one (the rest is that of its hash tables).
    """
    with ExitStack() as stack:
        comparison = _Comparison(
            [stack.enter_context(directory_descriptor(folder)) for folder in lower]
        )
        top = stack.enter_context(directory_descriptor(upper))
        return comparison.directory(top, b"", list(range(len(lower))), opaque=False)


def layer_tar(upper: Path, *, holes: bool = True) -> Iterator[bytes]:
    """The upper directory as a layer, uncompressed; the same bytes for the same files."""
    packer = Packer(translate=_as_layer, holes=holes)
    with directory_descriptor(upper) as directory:
        yield from packer.tree(directory)
        yield from packer.end()


def measure_layer(upper: Path, packed: Packed | None = None) -> Unpacked:
    """What adopting the upper directory as a layer needs to know: read once, nothing is written.

    What is `packed` by whoever has written it is not read again.
    """
    packer = Packer(translate=_as_layer, holes=False, packed=packed or {})
    digest = hashlib.sha256()
    length = 0
    with directory_descriptor(upper) as directory:
        for pieces in (packer.tree(directory), packer.end()):
            for piece in pieces:
                digest.update(piece)
                length += len(piece)
    diff_id = DiffID.of_hash(digest)
    return Unpacked(diff_id=diff_id, size=packer.content_size, tar_size=length)


def _as_layer(entry: TarEntry, directory: int, name: bytes) -> Iterator[TarEntry]:
    above, slash, base = entry.name.rstrip(b"/").rpartition(b"/")
    if entry.kind == Kind.CHARACTER and entry.major == 0 and entry.minor == 0:
        hidden = above + slash + WHITEOUT + base
        yield TarEntry(hidden, Kind.FILE, 0o600, entry.uid, entry.gid, mtime_ns=entry.mtime_ns)
        return
    yield entry
    if entry.kind == Kind.DIRECTORY and get_entry_xattr(directory, name, opaque_xattr()) == OPAQUE:
        yield TarEntry(
            entry.name + OPAQUE_MARKER, Kind.FILE, entry.mode & 0o777, entry.uid, entry.gid
        )


@dataclass(frozen=True, slots=True)
class _Below:
    """What a lower directory, open as `layer`, has at a path."""

    status: os.stat_result
    layer: int


class _Comparison:
    """Looks up names in the lower directories as the overlay merges them.

    A directory is described by the numbers of those layers that show it: a path is only ever
    looked up in a layer where every directory on the way is one, so no link is followed.
    """

    def __init__(self, lower: list[int]) -> None:
        self._lower = lower
        self._opaque = opaque_xattr()

    def directory(self, upper: int, path: bytes, shown: list[int], *, opaque: bool) -> list[Change]:
        """The changes below `path`, which `upper` has open."""
        with os.scandir(upper) as entries:
            names = {os.fsencode(entry.name) for entry in entries}
        gone = self._names(path, shown) - names if opaque else set()
        found: list[Change] = []
        for name in sorted(names):
            here = path + b"/" + name if path else name
            status = os.stat(name, dir_fd=upper, follow_symlinks=False)
            below = self._find(here, shown)
            if not is_whiteout(status):
                found.extend(self._entry(upper, name, here, status, shown, below))
            elif below is not None:
                gone.add(name)
        start = path + b"/" if path else b""
        return [*found, *(_change(ChangeKind.DELETED, start + name) for name in sorted(gone))]

    def _entry(
        self,
        upper: int,
        name: bytes,
        path: bytes,
        status: os.stat_result,
        shown: list[int],
        below: "_Below | None",
    ) -> list[Change]:
        inner: list[Change] = []
        if stat.S_ISDIR(status.st_mode):
            check_depth(path)
            with opened(os.open(name, _OPEN_DIRECTORY, dir_fd=upper)) as directory:
                merged = self._directories(path, shown)
                opaque = get_xattr(directory, self._opaque) == OPAQUE
                inner = self.directory(directory, path, merged, opaque=opaque)
        if below is None:
            return [_change(ChangeKind.ADDED, path), *inner]
        if inner or _differs(status, below.status):
            return [_change(ChangeKind.CHANGED, path), *inner]
        if stat.S_ISREG(status.st_mode):
            before = get_entry_xattr(below.layer, path, _CAPABILITY)
            if get_entry_xattr(upper, name, _CAPABILITY) != before:
                return [_change(ChangeKind.CHANGED, path)]
        return []  # copied up, and as it was

    def _find(self, path: bytes, shown: list[int]) -> "_Below | None":
        """What the lower directories have at `path`."""
        for number in shown:
            layer = self._lower[number]
            try:
                status = os.stat(path, dir_fd=layer, follow_symlinks=False)
            except FileNotFoundError:
                continue
            return None if is_whiteout(status) else _Below(status, layer)
        return None

    def _directories(self, path: bytes, shown: list[int]) -> list[int]:
        """The layers that show the directory at `path`."""
        merged = []
        for number in shown:
            try:
                status = os.stat(path, dir_fd=self._lower[number], follow_symlinks=False)
            except FileNotFoundError:
                continue
            if not stat.S_ISDIR(status.st_mode):
                break
            merged.append(number)
            if get_entry_xattr(self._lower[number], path, self._opaque) == OPAQUE:
                break
        return merged

    def _names(self, path: bytes, shown: list[int]) -> set[bytes]:
        """What the lower directories show in the directory at `path`."""
        seen: set[bytes] = set()
        visible: set[bytes] = set()
        for number in shown:
            with (
                opened(os.open(path or b".", _OPEN_DIRECTORY, dir_fd=self._lower[number])) as fd,
                os.scandir(fd) as entries,
            ):
                for entry in entries:
                    name = os.fsencode(entry.name)
                    if name not in seen and not is_whiteout(entry.stat(follow_symlinks=False)):
                        visible.add(name)
                    seen.add(name)
        return visible


def _change(kind: ChangeKind, path: bytes) -> Change:
    return Change(kind, "/" + os.fsdecode(path))


def _differs(new: os.stat_result, old: os.stat_result) -> bool:
    """Docker's comparison: a directory's own time and size do not count."""
    if (new.st_mode, new.st_uid, new.st_gid, new.st_rdev) != (
        old.st_mode,
        old.st_uid,
        old.st_gid,
        old.st_rdev,
    ):
        return True
    if stat.S_ISDIR(new.st_mode):
        return False
    return new.st_size != old.st_size or not _same_time(new.st_mtime_ns, old.st_mtime_ns)


def _same_time(one: int, other: int) -> bool:
    """Whether moments are the same, as far as a tar that knows seconds alone can tell."""
    fractions = (one % 1_000_000_000, other % 1_000_000_000)
    return one == other or (one - fractions[0] == other - fractions[1] and 0 in fractions)
