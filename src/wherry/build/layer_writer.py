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

from wherry.build.file_copies import FileCopier, FileCopy, is_plain
from wherry.build.source_trees import Found, SourceTree
from wherry.dockerfile.modes import Mode
from wherry.errors import InvalidArgument
from wherry.linux.openat import DIRECTORY, READABLE_DIRECTORY, opened
from wherry.store.overlay import is_whiteout
from wherry.store.pack import Packed
from wherry.values import dataclass

_MOST_LINKS = 40
_MOST_OPEN = 128  # directories kept open
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


_AS_IT_IS = Look()


class LayerWriter:
    """Fills the directory `upper` of a new layer; `view` shows what is below it, None nothing.

    `now_ns` is the time of directories that are made on the way; no file is later than
    `latest_ns`. With `packs` small files are packed as they are copied. Only for a process with
    one thread: files are made with the modes that they are to have, with a umask of 0 meanwhile.
    """

    def __init__(
        self,
        upper: int,
        view: int | None,
        now_ns: int,
        *,
        latest_ns: int | None = None,
        packs: bool = False,
    ) -> None:
        self._upper = upper
        self._view = view
        self._now_ns = now_ns
        self._umask = 0
        self._files = FileCopier(
            lambda path: self._directory(path, _AS_IT_IS),
            latest_ns,
            # What is made below such a directory has another mode than the one that is asked for.
            exact=not _has_default_acl(upper),
            packs=packs,
        )
        # Directories that the layers below do not have, nor anything in them.
        self._new: set[str] = set()
        self._made = {""}
        self._open: dict[str, int] = {}
        self._times: dict[str, int] = {}
        self._links: dict[tuple[int, int], str] = {}

    @property
    def packed(self) -> Packed:
        """Files that were packed as they were copied."""
        return self._files.packed

    def __enter__(self) -> Self:
        self._umask = os.umask(0)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            if error is None:
                self._finish()
        finally:
            os.umask(self._umask)
            for descriptor in self._open.values():
                os.close(descriptor)
            self._files.close()

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
        if self._view is None or path in self._new or path.rpartition("/")[0] in self._new:
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
        front = f"{target}/" if target else ""
        plain: list[FileCopy] = []
        for found in selected:
            path = front + found.target if found.target else target
            if stat.S_ISDIR(found.status.st_mode):
                self._copy_directory(path, found, tree, look, is_root=not found.target)
                continue
            above = path.rpartition("/")[0]
            self._refuse_directory(path)
            parent = self._directory(above, look)
            self._touched(above)
            if is_plain(found.status):
                plain.append(FileCopy(found, path, *self._looked(found.status, tree, look)))
            else:
                self._copy_entry(tree, found, parent, path, look)
        self._files.copy(tree, plain)

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
            self._new.add(path)
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
        self, status: os.stat_result, tree: SourceTree, look: Look, *, is_directory: bool = False
    ) -> tuple[int, Owner]:
        mode = stat.S_IMODE(status.st_mode)
        if look.mode is not None:
            mode = look.mode.applied(mode, is_directory=is_directory)
        owner = look.owner or ((status.st_uid, status.st_gid) if tree.owned else (0, 0))
        return mode, owner

    def _copy_entry(
        self, tree: SourceTree, found: Found, parent: int, path: str, look: Look
    ) -> None:
        status = found.status
        mode, owner = self._looked(status, tree, look)
        if stat.S_ISREG(status.st_mode):
            first = self._links.setdefault((status.st_dev, status.st_ino), path)
            if first != path:
                self._link(first, parent, path)
            else:
                self._files.copy(tree, [FileCopy(found, path, mode, owner)])
            return
        self._files.unlink(parent, path)
        name = path.rpartition("/")[2]
        if stat.S_ISLNK(status.st_mode):
            above, _, source_name = found.path.rpartition("/")
            folder = self._files.source_folder(tree, above)
            os.symlink(os.readlink(source_name, dir_fd=folder), name, dir_fd=parent)
        else:
            kind = stat.S_IFMT(status.st_mode)
            os.mknod(name, kind | 0o600, status.st_rdev, dir_fd=parent)
        os.chown(name, *owner, dir_fd=parent, follow_symlinks=False)
        if not stat.S_ISLNK(status.st_mode):
            os.chmod(f"/proc/self/fd/{parent}/{name}", mode)
        moment = self._files.moment_of(status)
        os.utime(name, ns=(moment, moment), dir_fd=parent, follow_symlinks=False)

    def _link(self, first: str, parent: int, path: str) -> None:
        above, _, first_name = first.rpartition("/")
        self._files.unlink(parent, path)
        folder = self._directory(above, Look())
        name = path.rpartition("/")[2]
        os.link(first_name, name, src_dir_fd=folder, dst_dir_fd=parent, follow_symlinks=False)


def _has_default_acl(directory: int) -> bool:
    try:
        os.getxattr(directory, "system.posix_acl_default")
    except OSError:
        return False
    return True


def joined(folder: str, path: str) -> str:
    """`path` as it is meant in the working directory `folder`, absolute and clean."""
    return "/" + posixpath.normpath(posixpath.join("/", folder, path)).lstrip("/")
