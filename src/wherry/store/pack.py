"""Packing a tree of files as a tar stream, read through descriptors.

The tree may be changing while it is read. A file's header is made from the opened file, and
exactly as many bytes as it announces follow: a file that shrank is filled up with zeros, one
that grew is cut. No link is followed, and no directory on another filesystem is entered.
"""

import errno
import os
import stat
from collections.abc import Callable, Iterator, Mapping

from wherry.linux.files import data_segments
from wherry.linux.openat import READABLE_DIRECTORY, opened
from wherry.store.tar.entry import BLOCK, Kind, TarEntry
from wherry.store.tar.writer import END, format_header, padding
from wherry.values import dataclass, field

_READ = 1 << 19
_OPEN_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_OPEN_DIRECTORY = READABLE_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_WORTHWHILE_HOLE = 1 << 16  # bytes; smaller ones are written as zeros
_DEEPEST = 400  # levels of directories, each of which is open meanwhile
_GONE = (errno.ENOENT, errno.ELOOP, errno.ENXIO)  # removed, or replaced, since it was listed
_KINDS = {
    stat.S_IFREG: Kind.FILE,
    stat.S_IFDIR: Kind.DIRECTORY,
    stat.S_IFLNK: Kind.SYMLINK,
    stat.S_IFCHR: Kind.CHARACTER,
    stat.S_IFBLK: Kind.BLOCK,
    stat.S_IFIFO: Kind.FIFO,
}

Packed = Mapping[bytes, tuple[int, bytes]]
"""Files that need not be read, by their names in the archive: sizes, and what is written."""

# Turns a directory or special file into its entries in the archive; given where it is.
Translate = Callable[[TarEntry, int, bytes], Iterator[TarEntry]]


def _as_it_is(entry: TarEntry, _directory: int, _name: bytes) -> Iterator[TarEntry]:
    yield entry


@dataclass(kw_only=True, slots=True)
class Packer:
    """One archive being written.

    `holes` keeps large ones, which some readers cannot read; `nanoseconds` keeps whole times,
    which takes an extended header for every entry. Directories on one of `devices` are entered
    as well as those on the device of where it began; on any, if it is None. A regular file that
    `packed` knows is taken from there.
    """

    translate: Translate = _as_it_is
    holes: bool = True
    nanoseconds: bool = False
    devices: frozenset[int] | None = frozenset()
    packed: Packed = field(default_factory=dict)
    content_size: int = 0
    """Bytes of the files and links so far, each counted once."""
    _links: dict[tuple[int, int], bytes] = field(default_factory=dict)
    _waiting: list[bytes] = field(default_factory=list)
    _size: int = 0

    def tree(self, directory: int, prefix: bytes = b"") -> Iterator[bytes]:
        """What is in `directory`, in order of names, each below `prefix`."""
        device = os.fstat(directory).st_dev
        yield from self._children(directory, prefix, device)

    def entry(self, directory: int, name: bytes, called: bytes) -> Iterator[bytes]:
        """The entry `name` of `directory`, with all below it, under the name `called`."""
        yield from self._entry(directory, name, called, os.fstat(directory).st_dev)

    def folder(self, name: bytes) -> None:
        """Write a directory that is none of a tree's."""
        self._append(format_header(TarEntry(name, Kind.DIRECTORY, 0o755)))

    def end(self) -> Iterator[bytes]:
        """What is still waiting, and the end of the archive."""
        self._waiting.append(END)
        yield b"".join(self._waiting)
        self._waiting.clear()

    def _children(self, directory: int, prefix: bytes, device: int) -> Iterator[bytes]:
        with os.scandir(directory) as entries:
            found = sorted(
                (os.fsencode(entry.name), entry.is_file(follow_symlinks=False)) for entry in entries
            )
        for name, is_file in found:
            called = prefix + name
            if is_file:
                if (packed := self.packed.get(called)) is not None:
                    self.content_size += packed[0]
                    self._append(packed[1])
                elif (large := self._file(directory, name, called)) is not None:
                    yield from large
                if self._size >= _READ:
                    yield self._flushed()
            else:
                yield from self._entry(directory, name, called, device)

    def _entry(self, directory: int, name: bytes, called: bytes, device: int) -> Iterator[bytes]:
        try:
            status = os.stat(name, dir_fd=directory, follow_symlinks=False)
            if stat.S_ISREG(status.st_mode):
                yield from self._file(directory, name, called) or ()
            elif stat.S_ISDIR(status.st_mode):
                check_depth(called)
                with opened(os.open(name, _OPEN_DIRECTORY, dir_fd=directory)) as below:
                    status = os.fstat(below)
                    shown = called if called.endswith(b"/") else called + b"/"
                    self._put(_entry_of(shown, status, _wanted_xattrs(below)), directory, name)
                    others = self.devices
                    if status.st_dev == device or others is None or status.st_dev in others:
                        yield from self._children(below, shown, device)
            elif not stat.S_ISSOCK(status.st_mode):  # a socket means nothing elsewhere
                self._special(status, directory, name, called)
        except OSError as error:
            if error.errno not in _GONE:
                raise
        if self._size >= _READ:
            yield self._flushed()

    def _file(self, directory: int, name: bytes, called: bytes) -> Iterator[bytes] | None:
        """Write the regular file; of a large one its data are what is returned."""
        try:
            file = os.open(name, _OPEN_FILE, dir_fd=directory)
        except OSError as error:
            if error.errno not in _GONE:
                raise
            return None
        large = None
        try:
            status = os.fstat(file)
            if stat.S_ISREG(status.st_mode):
                large = self._opened_file(file, status, called)
        finally:
            if large is None:
                os.close(file)
        return large

    def _opened_file(
        self, file: int, status: os.stat_result, called: bytes
    ) -> Iterator[bytes] | None:
        entry = _entry_of(called, status, _wanted_xattrs(file))
        if status.st_nlink > 1 and self._is_known(status, entry):
            self._append(format_header(entry, nanoseconds=self.nanoseconds))
            return None
        entry.size = entry.stored = size = status.st_size
        self.content_size += size
        if self.holes and status.st_blocks * 512 + _WORTHWHILE_HOLE <= size:
            entry.segments = list(data_segments(file, size))
            entry.stored = sum(length for _, length in entry.segments)
        self._append(format_header(entry, nanoseconds=self.nanoseconds))
        if entry.segments is not None or size > _READ:
            return self._large_file(file, entry)
        data = os.read(file, size) if size else b""
        self._append(data.ljust(size + -size % BLOCK, b"\0"))
        return None

    def _large_file(self, file: int, entry: TarEntry) -> Iterator[bytes]:
        with opened(file):
            for offset, length in entry.segments or ((0, entry.stored),):
                yield from self._data(file, offset, length)
        self._append(padding(entry.stored))

    def _data(self, file: int, offset: int, length: int) -> Iterator[bytes]:
        end = offset + length
        while offset < end:
            data = os.pread(file, min(_READ, end - offset), offset)
            if not data:
                data = bytes(min(_READ, end - offset))  # shrunk meanwhile
            offset += len(data)
            self._append(data)
            if self._size >= _READ:
                yield self._flushed()

    def _special(self, status: os.stat_result, directory: int, name: bytes, called: bytes) -> None:
        entry = _entry_of(called, status, None)
        if stat.S_ISLNK(status.st_mode):
            entry.link = os.readlink(name, dir_fd=directory)
            self.content_size += len(entry.link)
        elif status.st_rdev:
            entry.major, entry.minor = os.major(status.st_rdev), os.minor(status.st_rdev)
        # Only for a whiteout is a link of another name no link: overlayfs shares their inode.
        is_whiteout = stat.S_ISCHR(status.st_mode) and status.st_rdev == 0
        if status.st_nlink > 1 and not is_whiteout:
            self._is_known(status, entry)
        self._put(entry, directory, name)

    def _is_known(self, status: os.stat_result, entry: TarEntry) -> bool:
        """Make the entry a hard link if its inode is in the archive already."""
        first = self._links.setdefault((status.st_dev, status.st_ino), entry.name)
        if first == entry.name:
            return False
        entry.kind, entry.link = Kind.HARDLINK, first
        entry.xattrs = None
        return True

    def _put(self, entry: TarEntry, directory: int, name: bytes) -> None:
        for translated in self.translate(entry, directory, name):
            self._append(format_header(translated, nanoseconds=self.nanoseconds))

    def _append(self, data: bytes) -> None:
        self._waiting.append(data)
        self._size += len(data)

    def _flushed(self) -> bytes:
        data = b"".join(self._waiting)
        self._waiting.clear()
        self._size = 0
        return data


def pack_file(
    called: bytes, mode: int, owner: tuple[int, int], mtime_ns: int, data: bytes
) -> bytes:
    """What a packer writes of a regular file that has these data and no extended attributes."""
    size = len(data)
    entry = TarEntry(called, Kind.FILE, mode, *owner, size=size, stored=size, mtime_ns=mtime_ns)
    return format_header(entry) + data.ljust(size + -size % BLOCK, b"\0")


def check_depth(path: bytes) -> None:
    """Raise OSError where directories are nested deeper than any real tree, before we run out."""
    if path.count(b"/") > _DEEPEST:
        raise OSError(errno.ENAMETOOLONG, os.strerror(errno.ENAMETOOLONG), path[:255])


def _entry_of(called: bytes, status: os.stat_result, xattrs: dict[str, bytes] | None) -> TarEntry:
    return TarEntry(
        called,
        _KINDS[stat.S_IFMT(status.st_mode)],
        stat.S_IMODE(status.st_mode),
        status.st_uid,
        status.st_gid,
        mtime_ns=status.st_mtime_ns,
        xattrs=xattrs,
    )


def _wanted_xattrs(descriptor: int) -> dict[str, bytes] | None:
    """Those that unpacking takes: capabilities and the user's own."""
    try:
        keys = os.listxattr(descriptor)
    except OSError as error:
        if error.errno == errno.ENOTSUP:
            return None
        raise
    wanted = [
        key
        for key in keys
        if key == "security.capability"
        or (key.startswith("user.") and not key.startswith("user.overlay."))
    ]
    return {key: os.getxattr(descriptor, key) for key in sorted(wanted)} if wanted else None
