"""The members of an image archive, addressed by name in any order.

An archive puts its table of contents (manifest.json, index.json) anywhere, most often at the
end. A plain tar in a file is read through once for its names and then in place; anything
compressed or piped is staged member by member in the lease's folder.

Nothing in it is trusted: names are normalised without touching the disk, links are followed
only within the archive, and documents are bounded.
"""

import os
import posixpath
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import BinaryIO

from wherry.errors import InvalidArgument
from wherry.linux.files import write_all
from wherry.oci.documents import MAXIMUM_SIZE
from wherry.store.compression import Compression, decompressed, detect
from wherry.store.leases import Lease
from wherry.store.tar.entry import Kind, TarEntry
from wherry.store.tar.reader import TarReader
from wherry.values import dataclass

_PIECE = 1 << 18
_MOST_MEMBERS = 1 << 16
_MOST_HOPS = 16  # links behind links
_HEAD = 16


class InvalidImageArchive(InvalidArgument):
    """An archive that no image can be taken from; one line that says why."""

    def __init__(self, problem: str) -> None:
        super().__init__(f"invalid archive: {problem}")


@dataclass(frozen=True, slots=True)
class Member:
    """A regular file of the archive: `size` bytes at `offset` of a file."""

    name: str
    descriptor: int
    offset: int
    size: int

    def head(self) -> bytes:
        """The first bytes, which tell how it is packed."""
        return os.pread(self.descriptor, min(_HEAD, self.size), self.offset)

    def pieces(self) -> Iterator[bytes]:
        """The contents, piece by piece."""
        position, end = self.offset, self.offset + self.size
        while position < end:
            piece = os.pread(self.descriptor, min(_PIECE, end - position), position)
            if not piece:
                raise InvalidImageArchive(f"{self.name!r}: unexpected EOF")
            position += len(piece)
            yield piece


class Archive:
    """What `read_archive` found."""

    def __init__(self) -> None:
        self._members: dict[str, Member] = {}
        self._links: dict[str, str] = {}
        self._staged: list[int] = []

    def __contains__(self, name: str) -> bool:
        return self._resolved(name) in self._members

    def member(self, name: str, named_by: str) -> Member:
        """The file called `name`; `named_by` is the place that asks for it."""
        clean = _clean(name)
        if clean is None:
            raise InvalidImageArchive(f"{named_by}: {name!r} points out of the archive")
        resolved = self._resolved(clean)
        if resolved not in self._members:
            raise InvalidImageArchive(f"{named_by}: {name!r} is not in the archive")
        return self._members[resolved]

    def document(self, name: str, named_by: str) -> bytes:
        """A small file as a whole."""
        member = self.member(name, named_by)
        if member.size > MAXIMUM_SIZE:
            raise InvalidImageArchive(f"{name!r} is larger than {MAXIMUM_SIZE} bytes")
        return b"".join(member.pieces())

    def close(self) -> None:
        for descriptor in self._staged:
            os.close(descriptor)
        self._staged.clear()

    def add(self, entry: TarEntry, descriptor: int, offset: int) -> None:
        """Take note of an entry whose data is at `offset` of `descriptor`."""
        name = _clean(os.fsdecode(entry.name))
        if name is None:
            raise InvalidImageArchive(f"{os.fsdecode(entry.name)!r} points out of the archive")
        if len(self._members) + len(self._links) >= _MOST_MEMBERS:
            raise InvalidImageArchive(f"it has more than {_MOST_MEMBERS} members")
        self._members.pop(name, None)
        self._links.pop(name, None)  # the later of two members of one name counts
        if entry.kind == Kind.FILE:
            self._members[name] = Member(name, descriptor, offset, entry.size)
        elif entry.kind in (Kind.SYMLINK, Kind.HARDLINK):
            self._links[name] = _link_target(name, entry)

    def keep_open(self, descriptor: int) -> None:
        """Own a staged file's descriptor until `close`."""
        self._staged.append(descriptor)

    def _resolved(self, name: str) -> str:
        for _ in range(_MOST_HOPS):
            if name not in self._links:
                return name
            name = self._links[name]
        raise InvalidImageArchive(f"{name!r}: too many levels of links")


@contextmanager
def read_archive(lease: Lease, source: BinaryIO) -> Iterator[Archive]:
    """What is in the archive `source`, an unbuffered file, pipe or socket, for the block."""
    archive = Archive()
    try:
        if _is_plain_file(source):
            _index(archive, source)
        else:
            _stage(archive, lease, source)
        yield archive
    finally:
        archive.close()


def _is_plain_file(source: BinaryIO) -> bool:
    descriptor = source.fileno()
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        return False
    here = os.lseek(descriptor, 0, os.SEEK_CUR)
    return detect(os.pread(descriptor, _HEAD, here)) is Compression.NONE


def _index(archive: Archive, source: BinaryIO) -> None:
    start = os.lseek(source.fileno(), 0, os.SEEK_CUR)
    reader = TarReader(_pieces(source))
    for entry in reader:
        _check(entry)
        archive.add(entry, source.fileno(), start + reader.offset)


def _stage(archive: Archive, lease: Lease, source: BinaryIO) -> None:
    reader = TarReader(decompressed(_pieces(source)))
    # One file for all members: an archive of many small ones must not use up descriptors.
    staged = os.open(
        lease.new_path("-archive"), os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600
    )
    archive.keep_open(staged)
    offset = 0
    for entry in reader:
        _check(entry)
        archive.add(entry, staged, offset)
        if entry.kind == Kind.FILE:
            for part in reader.parts():
                write_all(staged, part)
            offset += entry.size
    reader.drain()  # a writer that is cut off would report a broken pipe


def _pieces(source: BinaryIO) -> Iterable[bytes]:
    while piece := source.read(_PIECE):
        yield piece


def _check(entry: TarEntry) -> None:
    if entry.segments is not None:
        raise InvalidImageArchive(f"{os.fsdecode(entry.name)!r} is a sparse file")


def _link_target(name: str, entry: TarEntry) -> str:
    link = os.fsdecode(entry.link)
    base = posixpath.dirname(name) if entry.kind == Kind.SYMLINK else ""
    target = None if link.startswith("/") else _clean(posixpath.join(base, link))
    if target is None:
        raise InvalidImageArchive(f"{name!r} links to {link!r}, out of the archive")
    return target


def _clean(name: str) -> str | None:
    """The name as keys have it, or None for one that leaves the archive."""
    clean = posixpath.normpath(name.lstrip("/"))
    return None if clean == ".." or clean.startswith("../") else clean
