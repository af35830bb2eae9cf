"""Writing a tree of files from the entries of an archive that is not trusted.

Nothing is done by joining paths. Each entry is made by its last name in an opened directory,
and that directory was looked up by the kernel inside the root (openat2 with RESOLVE_IN_ROOT), so
that a link made by an earlier entry, or by a process of the container meanwhile, leads at worst
to another place in the same root.

Metadata is applied in the order the kernel needs: owner, then mode (chown(2) takes setuid away),
then extended attributes (both take capabilities away), then times; of directories times come last
of all, when nothing is made in them any more.
"""

import errno
import os
import stat
from collections.abc import Callable
from contextlib import suppress
from typing import Self

from wherry.linux.files import remove_entry, write_all
from wherry.linux.openat import DIRECTORY, make_directories_in_root, open_in_root, opened
from wherry.linux.xattr import entry_path
from wherry.store.overlay import in_user_namespace
from wherry.store.tar.entry import InvalidArchive, Kind, TarEntry
from wherry.store.tar.reader import TarReader

_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_STEP = DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_MOST_OPEN = 128  # directories kept open
_LARGEST_ID = (1 << 32) - 2  # (uid_t)-1 means "leave it", chown(2)
_LATEST_NS = (1 << 63) - 1
_NODE_TYPES = {
    Kind.CHARACTER: stat.S_IFCHR,
    Kind.BLOCK: stat.S_IFBLK,
    Kind.FIFO: stat.S_IFIFO,
}


# Takes an entry away: given its directory, its name, and its path without links.
SetAside = Callable[[int, bytes, bytes], object]


class CannotOverwrite(InvalidArchive):
    """Docker's refusal to turn a directory into something else, or the reverse, in `cp`."""

    def __init__(self, existing: str, path: bytes, new: str, folder: bytes, offset: int) -> None:
        super().__init__("", offset)
        whole = os.path.join(folder, path)
        self.message = (
            f'cannot overwrite {existing} "{os.fsdecode(whole)}" with {new} "{os.fsdecode(folder)}"'
        )
        self.args = (self.message,)


class TreeWriter:
    """Makes entries in the folder `base` inside the directory `root`; a context manager.

    `owner` is given to everything instead of what the entries say. With `keep_kinds` a directory
    is never replaced by something else, nor something else by a directory. `settled` says that
    there are directories already, any of which may be setgid. `aside` takes files and directories
    that a later entry replaces, which are removed otherwise. `called` is what Docker's refusals
    call the folder.
    """

    def __init__(
        self,
        root: int,
        base: bytes = b"",
        *,
        owner: tuple[int, int] | None = None,
        keep_kinds: bool = False,
        settled: bool = False,
        aside: SetAside | None = None,
        called: str = "",
    ) -> None:
        self._root = root
        self._base = b"/" + base.strip(b"/")
        self._called = os.fsencode(called) or self._base
        self._owner = owner
        self._keep_kinds = keep_kinds
        self._aside = aside
        self._directories: dict[bytes, int] = {}
        self._real: dict[bytes, bytes] = {}  # of those that were reached through a link
        self._times: dict[bytes, int] = {}
        self._modes: dict[bytes, int] = {}
        self._privileged = os.geteuid() == 0
        self._user_namespace = in_user_namespace()
        # Below a setgid directory new files take over its group: owners are then always set.
        self._always_chown = settled
        self._umask = _current_umask()
        self._makers = {
            Kind.FILE: self._file,
            Kind.DIRECTORY: self._directory,
            Kind.SYMLINK: self._symlink,
            Kind.HARDLINK: self._hardlink,
            Kind.CHARACTER: self._node,
            Kind.BLOCK: self._node,
            Kind.FIFO: self._node,
        }
        self.size = 0  # bytes of files and links made, each counted once

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self._forget_directories()

    def make(self, path: bytes, entry: TarEntry, reader: TarReader) -> None:
        """Make `entry` at the cleaned `path`, its data coming from `reader`.

        What is there goes, unless it and the entry are directories. OSError names `path`.
        """
        maker = self._makers.get(entry.kind)
        if maker is None:
            raise InvalidArchive(
                f"unhandled tar header type {entry.kind!r} of {os.fsdecode(path)!r}", reader.offset
            )
        if not (0 <= entry.uid <= _LARGEST_ID and 0 <= entry.gid <= _LARGEST_ID):
            raise InvalidArchive(
                f"owner {entry.uid}:{entry.gid} of {os.fsdecode(path)!r}", reader.offset
            )
        above, _, name = path.rpartition(b"/")
        try:
            try:
                maker(self.directory(above), path, name, entry, reader)
            except FileExistsError:
                self._clear(above, path, name, entry, reader.offset)
                maker(self.directory(above), path, name, entry, reader)
        except OSError as error:
            raise OSError(error.errno, error.strerror, b"/" + path) from error

    def directory(self, path: bytes) -> int:
        """A descriptor of the directory at the cleaned `path`, made if missing; do not close it."""
        found = self._directories.pop(path, None)
        if found is None:
            found = self._open(path)
            if len(self._directories) >= _MOST_OPEN:
                oldest = next(iter(self._directories))
                os.close(self._directories.pop(oldest))
                self._real.pop(oldest, None)
        self._directories[path] = found  # last again: the first is the next to go
        return found

    def real_path(self, path: bytes) -> bytes:
        """Where the entry just made at `path` is, without links on the way."""
        above, slash, name = path.rpartition(b"/")
        real = self._real.get(above)
        return path if real is None else real + slash * bool(real) + name

    def finish(self) -> None:
        """Set what can only be set on directories when they are complete."""
        for path in [*reversed(self._times)]:
            above, _, name = path.rpartition(b"/")
            with suppress(FileNotFoundError, NotADirectoryError):
                inside = self._base + b"/" + above
                with opened(open_in_root(self._root, inside, DIRECTORY)) as parent:
                    if path in self._modes:
                        _set_mode(parent, name, self._modes[path])
                    _set_times(parent, name, self._times[path])

    def _file(
        self, parent: int, _path: bytes, name: bytes, entry: TarEntry, reader: TarReader
    ) -> None:
        mode = entry.mode
        descriptor = os.open(name, _CREATE, mode & 0o777, dir_fd=parent)
        try:
            if entry.segments is not None:
                _write_sparse(descriptor, entry, reader)
            elif (data := reader.whole()) is None:
                for part in reader.parts():
                    write_all(descriptor, part)
            elif data:
                write_all(descriptor, data)
            self.size += entry.size
            if (owner := self._owner_of(entry)) is not None:
                os.fchown(descriptor, *owner)
            if mode & (0o7000 | self._umask):
                os.fchmod(descriptor, mode)
            if entry.xattrs:
                self._set_xattrs(descriptor, entry.xattrs)
            time = _bounded(entry.mtime_ns)
            os.utime(descriptor, ns=(time, time))
        finally:
            os.close(descriptor)

    def _directory(
        self, parent: int, path: bytes, name: bytes, entry: TarEntry, _reader: TarReader
    ) -> None:
        mode = entry.mode
        inherited = 0o2000 if self._always_chown else 0
        try:
            os.mkdir(name, mode & 0o777, dir_fd=parent)
        except FileExistsError:
            if not stat.S_ISDIR(os.stat(name, dir_fd=parent, follow_symlinks=False).st_mode):
                raise
            inherited = 0o7777  # its old mode and owner are replaced
        owner = self._owner_of(entry) or ((0, 0) if inherited and self._privileged else None)
        if owner is not None:
            os.chown(name, *owner, dir_fd=parent, follow_symlinks=False)
        if inherited or mode & (0o7000 | self._umask):
            self._change_mode(parent, path, name, mode)
        if mode & stat.S_ISGID:
            self._always_chown = True
        if entry.xattrs:
            self._set_xattrs(entry_path(parent, name), entry.xattrs)
        self._times.pop(path, None)
        self._times[path] = _bounded(entry.mtime_ns)

    def _change_mode(self, parent: int, path: bytes, name: bytes, mode: int) -> None:
        if self._privileged:
            _set_mode(parent, name, mode)
        else:  # without CAP_DAC_OVERRIDE a read-only directory could not be filled
            self._modes[path] = mode

    def _symlink(
        self, parent: int, path: bytes, name: bytes, entry: TarEntry, reader: TarReader
    ) -> None:
        if not entry.link:
            raise InvalidArchive(f"{os.fsdecode(path)!r} links to nothing", reader.offset)
        os.symlink(entry.link, name, dir_fd=parent)
        self.size += len(entry.link)
        self._finish_inode(parent, name, entry)

    def _hardlink(
        self, parent: int, path: bytes, name: bytes, entry: TarEntry, reader: TarReader
    ) -> None:
        target = clean_name(entry.link, reader.offset)
        above, _, target_name = target.rpartition(b"/")
        if not target_name:
            raise InvalidArchive(f"{os.fsdecode(path)!r} links to the root", reader.offset)
        source = self.directory(above)
        try:
            os.link(target_name, name, src_dir_fd=source, dst_dir_fd=parent, follow_symlinks=False)
        except FileExistsError:
            there = os.stat(name, dir_fd=parent, follow_symlinks=False)
            wanted = os.stat(target_name, dir_fd=source, follow_symlinks=False)
            if not os.path.samestat(there, wanted):
                raise

    def _node(
        self, parent: int, _path: bytes, name: bytes, entry: TarEntry, reader: TarReader
    ) -> None:
        if not (0 <= entry.major < 1 << 32 and 0 <= entry.minor < 1 << 32):
            raise InvalidArchive(f"device {entry.major}:{entry.minor}", reader.offset)
        device = os.makedev(entry.major, entry.minor)
        try:
            os.mknod(name, _NODE_TYPES[entry.kind] | (entry.mode & 0o777), device, dir_fd=parent)
        except PermissionError:
            # The owner of a user namespace has no devices; Docker leaves them out there too.
            if entry.kind != Kind.FIFO and (self._user_namespace or not self._privileged):
                return
            raise
        self._finish_inode(parent, name, entry)
        if entry.mode & (0o7000 | self._umask):
            _set_mode(parent, name, entry.mode)

    def _finish_inode(self, parent: int, name: bytes, entry: TarEntry) -> None:
        if (owner := self._owner_of(entry)) is not None:
            os.chown(name, *owner, dir_fd=parent, follow_symlinks=False)
        _set_times(parent, name, _bounded(entry.mtime_ns))

    def _owner_of(self, entry: TarEntry) -> tuple[int, int] | None:
        """The owner to set, or None when a new inode has it already."""
        if not self._privileged:
            return None
        uid, gid = self._owner or (entry.uid, entry.gid)
        return (uid, gid) if uid or gid or self._always_chown else None

    def _set_xattrs(self, target: int | bytes, xattrs: dict[str, bytes]) -> None:
        for key, value in xattrs.items():
            if not _is_welcome(key):
                continue
            try:
                if isinstance(target, int):
                    os.setxattr(target, key, value)
                else:
                    os.setxattr(target, key, value, follow_symlinks=False)
            except OSError as error:
                # A filesystem without them, or a caller who may not: Docker goes on as well.
                if error.errno not in (errno.ENOTSUP, errno.EPERM) or (
                    key == "security.capability" and self._privileged
                ):
                    raise

    def _clear(self, above: bytes, path: bytes, name: bytes, entry: TarEntry, offset: int) -> None:
        parent = self.directory(above)
        there = os.stat(name, dir_fd=parent, follow_symlinks=False)
        if self._keep_kinds and stat.S_ISDIR(there.st_mode):
            raise CannotOverwrite("directory", path, "non-directory", self._called, offset)
        if self._keep_kinds and entry.kind == Kind.DIRECTORY:
            raise CannotOverwrite("non-directory", path, "directory", self._called, offset)
        kind = stat.S_IFMT(there.st_mode)
        if self._aside is not None and kind in (stat.S_IFREG, stat.S_IFDIR):
            self._aside(parent, name, self.real_path(path))
        else:
            remove_entry(parent, name)
        if kind == stat.S_IFLNK:
            self.size -= there.st_size  # it is not kept aside
            self._forget_directories()  # some may have been reached through it
        if kind == stat.S_IFDIR:
            below = path + b"/"
            for known in [key for key in self._times if (key + b"/").startswith(below)]:
                self._times.pop(known)
                self._modes.pop(known, None)
            self._forget_directories()

    def _open(self, path: bytes) -> int:
        above, _, name = path.rpartition(b"/")
        parent = self._directories.get(above) if path else None
        if parent is not None:
            with suppress(OSError):  # missing, or a link: looked up properly below
                found = os.open(name, _STEP, dir_fd=parent)
                if above in self._real:
                    self._real[path] = self.real_path(path)
                return found
        found = make_directories_in_root(self._root, self._base + b"/" + path)
        if self._aside is not None:
            real = _path_below(self._root, found)
            if real != path:
                self._real[path] = real
        return found

    def _forget_directories(self) -> None:
        for descriptor in self._directories.values():
            os.close(descriptor)
        self._directories.clear()
        self._real.clear()


def clean_name(name: bytes, offset: int) -> bytes:
    """The name relative to the root, without `.`, `..`, or doubled slashes; b"" is the root.

    As Docker does it: `..` is taken back against the name before it, a leading slash is dropped,
    and climbing above the root is refused. Raises InvalidArchive.
    """
    short = name[2:] if name.startswith(b"./") else name
    short = short[:-1] if short.endswith(b"/") else short
    if b"/." not in short and b"//" not in short and short[:1] not in (b".", b"/"):
        return short
    parts: list[bytes] = []
    for part in name.split(b"/"):
        if part == b"..":
            if not parts and not name.startswith(b"/"):
                raise InvalidArchive(f"{os.fsdecode(name)!r} is outside of the root", offset)
            del parts[-1:]
        elif part not in (b"", b"."):
            parts.append(part)
    return b"/".join(parts)


def _path_below(root: int, directory: int) -> bytes:
    """Where the kernel says that `directory` is, seen from `root`; nothing is moved meanwhile."""
    above, below = (os.readlink(b"/proc/self/fd/%d" % number) for number in (root, directory))
    return below[len(above) :].strip(b"/")


def _is_welcome(key: str) -> bool:
    # trusted.overlay.* and user.overlay.* would tell the overlay to show other files.
    if key.startswith("user."):
        return not key.startswith("user.overlay.")
    return key == "security.capability"


def _write_sparse(descriptor: int, entry: TarEntry, reader: TarReader) -> None:
    segments = iter(entry.segments or ())
    offset = left = 0
    for part in reader.parts():
        view = memoryview(part)
        while view:
            while not left:
                offset, left = next(segments)
            written = os.pwrite(descriptor, view[:left], offset)
            view = view[written:]
            offset += written
            left -= written
    os.ftruncate(descriptor, entry.size)


def _set_mode(parent: int, name: bytes, mode: int) -> None:
    # There is no chmod(2) that spares links; through O_PATH a link put there meanwhile is refused.
    descriptor = os.open(name, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=parent)
    with opened(descriptor):
        os.chmod(b"/proc/self/fd/%d" % descriptor, mode)


def _set_times(parent: int, name: bytes, time: int) -> None:
    os.utime(name, ns=(time, time), dir_fd=parent, follow_symlinks=False)


def _bounded(mtime_ns: int) -> int:
    # What the kernel's clock cannot hold, and what lies before 1970, Docker makes the epoch.
    return mtime_ns if 0 <= mtime_ns <= _LATEST_NS else 0


def _current_umask() -> int:
    # umask(2) can only be read by changing it, for every thread of the process.
    with open("/proc/self/status", "rb") as file:
        for line in file:
            if line.startswith(b"Umask:"):
                return int(line.split()[1], 8)
    return 0o777
