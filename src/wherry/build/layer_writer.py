"""Writing what COPY and its like make straight into a new layer, without mounting it.

A layer lies above others that never change, so what it needs to know of them it looks up in a
read-only view: which directories are there already (they come along with their metadata, as an
overlay would copy them up), and which names on the way are links. Nothing else is copied.
"""

import os
import posixpath
import stat
from collections.abc import Iterable
from types import TracebackType
from typing import Self

from wherry.build.source_trees import Found, SourceTree
from wherry.build.stat_index import CAPABILITY, FileChanged, capability_of, numbers_of
from wherry.dockerfile.modes import Mode
from wherry.errors import InvalidArgument
from wherry.linux.files import copy_content, write_all
from wherry.linux.openat import DIRECTORY, READABLE_DIRECTORY, open_beneath, opened
from wherry.store.overlay import is_whiteout
from wherry.values import dataclass

_MOST_LINKS = 40
_SMALL = 1 << 18  # bytes; read and written at once
_MOST_OPEN = 128  # directories kept open
_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_SOURCE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_STEP = DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC

Owner = tuple[int, int]


class NotADirectory(InvalidArgument):
    def __init__(self, path: str) -> None:
        super().__init__(f"cannot copy to non-directory: {path}")


class CannotReplace(InvalidArgument):
    def __init__(self, path: str) -> None:
        super().__init__(f"cannot replace to directory {path} with file")


@dataclass(frozen=True, kw_only=True, slots=True)
class Look:
    """How copies look: --chown and --chmod. None keeps what the source has."""

    owner: Owner | None = None
    mode: Mode | None = None


class LayerWriter:
    """Fills the directory `upper` of a new layer; `view` shows what is below it, None nothing.

    `now_ns` is the time of directories that are made on the way.
    """

    def __init__(self, upper: int, view: int | None, now_ns: int) -> None:
        self._upper = upper
        self._view = view
        self._now_ns = now_ns
        self._made = {""}
        self._open: dict[str, int] = {}
        self._times: dict[str, int] = {}
        self._links: dict[tuple[int, int], str] = {}
        self._source: tuple[str, int] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is None:
            self._finish()
        for descriptor in self._open.values():
            os.close(descriptor)
        self._close_source()

    def resolve(self, path: str) -> str:
        """The absolute `path` relative to the root, links in it followed as far as it exists."""
        parts = [part for part in path.split("/") if part]
        parts.reverse()
        real = ""
        links = 0
        while parts:
            part = parts.pop()
            if part in (".", ""):
                continue
            if part == "..":
                real = real.rpartition("/")[0]
                continue
            here = f"{real}/{part}" if real else part
            status = self.below(here)
            if status is None or not stat.S_ISLNK(status.st_mode):
                real = here
                continue
            links += 1
            if links > _MOST_LINKS:
                raise InvalidArgument(f"{path}: too many levels of symbolic links")
            assert self._view is not None
            target = os.readlink(here, dir_fd=self._view)
            if target.startswith("/"):
                real = ""
            parts += reversed(target.split("/"))
        return real

    def below(self, path: str) -> os.stat_result | None:
        """What the layers below show at `path`, on which there is no link."""
        if self._view is None:
            return None
        try:
            status = os.stat(path or ".", dir_fd=self._view, follow_symlinks=False)
        except (FileNotFoundError, NotADirectoryError):
            return None
        return None if is_whiteout(status) else status

    def is_directory(self, path: str) -> bool:
        """Whether the resolved `path` is one by now, of this layer or of those below."""
        there = self.below(path)
        return path in self._made or (there is not None and stat.S_ISDIR(there.st_mode))

    def make_directories(self, path: str, look: Look | None = None) -> None:
        """Make the resolved directory `path` and those above it unless they are there."""
        self._directory(path, look or Look())

    def copy(self, tree: SourceTree, selected: Iterable[Found], target: str, look: Look) -> None:
        """Copy what was selected to the resolved `target`, each entry below it by its own name."""
        for found in selected:
            path = "/".join(part for part in (target, found.target) if part)
            mode = found.status.st_mode
            if stat.S_ISDIR(mode):
                self._copy_directory(path, found, tree, look, is_root=not found.target)
                continue
            above, _, name = path.rpartition("/")
            self._refuse_directory(path)
            parent = self._directory(above, look)
            self._touched(above)
            try:
                self._copy_entry(tree, found, parent, name, path, look)
            except OSError as error:
                # What is written to goes by its descriptor: the path is known here.
                raise OSError(error.errno, error.strerror, error.filename or f"/{path}") from error

    # ---- directories

    def _directory(self, path: str, look: Look) -> int:
        """A descriptor of the directory in the new layer, made there if need be."""
        if not path:
            return self._upper
        descriptor = self._open.pop(path, None)
        if descriptor is None:
            above, _, name = path.rpartition("/")
            parent = self._directory(above, look)
            if path not in self._made:
                self._make_directory(parent, above, path, name, look)
                self._made.add(path)
            try:
                descriptor = os.open(name, _STEP, dir_fd=parent)
            except NotADirectoryError:
                raise NotADirectory("/" + path) from None
            if len(self._open) >= _MOST_OPEN:
                os.close(self._open.pop(next(iter(self._open))))
        self._open[path] = descriptor  # last again: the first is the next to go
        return descriptor

    def _make_directory(self, parent: int, above: str, path: str, name: str, look: Look) -> None:
        status = self.below(path)
        if status is None:
            self._mkdir(parent, name, path)
            self._set(parent, name, 0o755, look.owner or (0, 0))
            self._times[path] = self._now_ns
            self._touched(above)
            return
        if not stat.S_ISDIR(status.st_mode):
            raise NotADirectory("/" + path)
        self._mkdir(parent, name, path)
        self._set(parent, name, stat.S_IMODE(status.st_mode), (status.st_uid, status.st_gid))
        self._times[path] = status.st_mtime_ns

    @staticmethod
    def _mkdir(parent: int, name: str, path: str) -> None:
        try:
            os.mkdir(name, 0o700, dir_fd=parent)
        except FileExistsError:  # a file that this layer has got just now
            raise NotADirectory("/" + path) from None

    def _copy_directory(
        self, path: str, found: Found, tree: SourceTree, look: Look, *, is_root: bool
    ) -> None:
        there = self.below(path)
        existed = there is not None and stat.S_ISDIR(there.st_mode)
        if there is not None and not existed:
            raise NotADirectory("/" + path)
        existed = existed or path in self._made
        self._directory(path, look)
        if not path or (is_root and existed):
            return  # the destination itself keeps what it is
        above, _, name = path.rpartition("/")
        parent = self._directory(above, look)
        mode, owner = self._looked(found.status, tree, look, is_directory=True)
        self._set(parent, name, mode, owner)
        self._times[path] = found.status.st_mtime_ns

    def _touched(self, path: str) -> None:
        """What an overlay would do to the time of a directory that gets a new entry."""
        if path in self._times and self.below(path) is not None:
            self._times[path] = self._now_ns

    def _refuse_directory(self, path: str) -> None:
        if self.is_directory(path):
            raise CannotReplace("/" + path)

    @staticmethod
    def _set(parent: int, name: str, mode: int, owner: Owner) -> None:
        os.chown(name, *owner, dir_fd=parent, follow_symlinks=False)
        descriptor = os.open(name, READABLE_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=parent)
        with opened(descriptor):
            os.fchmod(descriptor, mode)

    def _finish(self) -> None:
        # Deepest first, so that setting one does not touch another.
        for path in sorted(self._times, key=lambda path: path.count("/"), reverse=True):
            moment = self._times[path]
            if path:
                os.utime(path, ns=(moment, moment), dir_fd=self._upper, follow_symlinks=False)

    # ---- entries

    def _looked(
        self, status: os.stat_result, tree: SourceTree, look: Look, *, is_directory: bool
    ) -> tuple[int, Owner]:
        mode = stat.S_IMODE(status.st_mode)
        if look.mode is not None:
            mode = look.mode.applied(mode, is_directory=is_directory)
        owner = look.owner or ((status.st_uid, status.st_gid) if tree.owned else (0, 0))
        return mode, owner

    def _copy_entry(
        self, tree: SourceTree, found: Found, parent: int, name: str, path: str, look: Look
    ) -> None:
        status = found.status
        if status.st_nlink > 1 and stat.S_ISREG(status.st_mode):
            first = self._links.setdefault((status.st_dev, status.st_ino), path)
            if first != path:
                self._link(first, parent, name)
                return
        mode, owner = self._looked(status, tree, look, is_directory=False)
        above, _, source_name = found.path.rpartition("/")
        folder = self._source_folder(tree, above)
        if stat.S_ISREG(status.st_mode):
            self._copy_file(tree, folder, source_name, found, parent, name, mode, owner)
            return
        self._unlink(parent, name)
        if stat.S_ISLNK(status.st_mode):
            os.symlink(os.readlink(source_name, dir_fd=folder), name, dir_fd=parent)
        else:
            kind = stat.S_IFMT(status.st_mode)
            os.mknod(name, kind | 0o600, status.st_rdev, dir_fd=parent)
        os.chown(name, *owner, dir_fd=parent, follow_symlinks=False)
        if not stat.S_ISLNK(status.st_mode):
            os.chmod(f"/proc/self/fd/{parent}/{name}", mode)
        times = (status.st_mtime_ns, status.st_mtime_ns)
        os.utime(name, ns=times, dir_fd=parent, follow_symlinks=False)

    def _copy_file(
        self,
        tree: SourceTree,
        folder: int,
        source_name: str,
        found: Found,
        parent: int,
        name: str,
        mode: int,
        owner: Owner,
    ) -> None:
        status = found.status
        size = status.st_size
        source = os.open(source_name, _SOURCE, dir_fd=folder)
        try:
            # What is copied must be what the cache key was made of.
            if numbers_of(os.fstat(source)) != numbers_of(status):
                raise FileChanged(found.path)
            try:
                target = os.open(name, _CREATE, 0o600, dir_fd=parent)
            except FileExistsError:
                self._unlink(parent, name)
                target = os.open(name, _CREATE, 0o600, dir_fd=parent)
            try:
                if size > _SMALL:
                    copy_content(source, target)
                elif size:
                    write_all(target, os.read(source, size))
                if owner != (0, 0):
                    os.fchown(target, *owner)
                os.fchmod(target, mode)
                if tree.owned:  # a context's files bring no capabilities
                    _copy_capability(source, target)
                os.utime(target, ns=(status.st_mtime_ns, status.st_mtime_ns))
            finally:
                os.close(target)
        finally:
            os.close(source)

    def _link(self, first: str, parent: int, name: str) -> None:
        above, _, first_name = first.rpartition("/")
        self._unlink(parent, name)
        folder = self._directory(above, Look())
        os.link(first_name, name, src_dir_fd=folder, dst_dir_fd=parent, follow_symlinks=False)

    @staticmethod
    def _unlink(parent: int, name: str) -> None:
        try:
            os.unlink(name, dir_fd=parent)
        except FileNotFoundError:
            return

    def _source_folder(self, tree: SourceTree, path: str) -> int:
        """A descriptor of a source's folder; neighbours come one after another."""
        key = f"{tree.root}:{path}"
        if self._source is None or self._source[0] != key:
            self._close_source()
            self._source = (key, open_beneath(tree.root, path or ".", DIRECTORY))
        return self._source[1]

    def _close_source(self) -> None:
        if self._source is not None:
            os.close(self._source[1])
            self._source = None


def _copy_capability(source: int, target: int) -> None:
    if value := capability_of(source):
        os.setxattr(target, CAPABILITY, value)


def joined(folder: str, path: str) -> str:
    """`path` as it is meant in the working directory `folder`, absolute and clean."""
    return "/" + posixpath.normpath(posixpath.join("/", folder, path)).lstrip("/")
