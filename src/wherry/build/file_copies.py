"""Regular files copied into a new layer: by two processes at once where they are many.

    builder                                  fork, for thousands of files
      makes all directories
      copies the first half                  copies the second half
      waits, takes in what the fork packed   writes that to a pipe, and ends

Small files are read anyway: with what is known of them they are packed as the layer's tar has
them, so that they need no reading again for its digest.
"""

import marshal
import os
import stat
from collections.abc import Callable, Sequence
from typing import NamedTuple

from wherry.build.source_trees import Found, SourceTree
from wherry.build.stat_index import CAPABILITY, FileChanged, capability_of, numbers_of
from wherry.build.two_processes import in_two_processes
from wherry.linux.files import copy_content, write_all
from wherry.linux.openat import DIRECTORY, open_beneath
from wherry.store.pack import pack_file

_SMALL = 1 << 18  # bytes; read and written at once
_PACKED = 1 << 12  # bytes; of larger files, reading again costs less than carrying them about
_MOST_PACKED = 32 << 20  # bytes in all
_WORTH_A_PROCESS = 3000  # files: some 100 ms
_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_SOURCE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_SPECIAL = 0o7000  # bits of modes that writing and chown(2) clear
_SAFE_TIME_NS = (1 << 31) * 10**9  # until then every filesystem keeps times
_OURS = (0, 0)


class FileCopy(NamedTuple):
    """A file of a tree, and where and how it is to be in the layer."""

    found: Found
    path: str
    mode: int
    owner: tuple[int, int]


class FileCopier:
    """Copies files into directories of a new layer; `folder_of` gives these by their paths.

    No file is later than `latest_ns`. Only for a process with one thread whose umask is 0. With
    `exact` false a file may be made with another mode than the one that it is opened with.
    """

    def __init__(
        self, folder_of: Callable[[str], int], latest_ns: int | None, *, exact: bool, packs: bool
    ) -> None:
        self._folder_of = folder_of
        self._latest_ns = latest_ns
        self._exact = exact
        self._room = _MOST_PACKED if packs else 0
        self._source: tuple[int, str, int] | None = None
        self.packed: dict[bytes, tuple[int, bytes]] = {}
        """Small files as the layer's tar has them, see `pack.Packed`."""

    def close(self) -> None:
        if self._source is not None:
            os.close(self._source[2])
            self._source = None

    def copy(self, tree: SourceTree, copies: Sequence[FileCopy]) -> None:
        """Copy regular files, each to a path of its own."""
        if len(copies) < _WORTH_A_PROCESS or len(os.sched_getaffinity(0)) == 1:
            self._copy_all(tree, copies)
            return
        half = len(copies) // 2
        self._room //= 2
        if self.packed:
            for copy in copies[half:]:  # what these replace, the fork cannot tell us
                self.packed.pop(os.fsencode(copy.path), None)

        def copy_second_half() -> bytes:
            self.packed = {}
            self._copy_all(tree, copies[half:])
            return marshal.dumps(self.packed)

        packed = in_two_processes(lambda: self._copy_all(tree, copies[:half]), copy_second_half)
        self.packed.update(marshal.loads(packed))

    def moment_of(self, status: os.stat_result) -> int:
        """The time that a copy has."""
        moment = status.st_mtime_ns
        return moment if self._latest_ns is None else min(moment, self._latest_ns)

    def source_folder(self, tree: SourceTree, path: str) -> int:
        """A descriptor of a source's folder; neighbours come one after another."""
        known = self._source
        if known is not None and known[1] == path and known[0] == tree.root:
            return known[2]
        self.close()
        descriptor = open_beneath(tree.root, path or ".", DIRECTORY)
        self._source = (tree.root, path, descriptor)
        return descriptor

    def unlink(self, parent: int, path: str) -> None:
        """Make room for another entry at `path`, if need be."""
        self.packed.pop(os.fsencode(path), None)
        try:
            os.unlink(path.rpartition("/")[2], dir_fd=parent)
        except FileNotFoundError:
            return

    def _copy_all(self, tree: SourceTree, copies: Sequence[FileCopy]) -> None:
        for copy in copies:
            try:
                self._copy(tree, copy)
            except OSError as error:
                # What is written to goes by its descriptor: the path is known here.
                filename = error.filename or f"/{copy.path}"
                raise OSError(error.errno, error.strerror, filename) from error

    def _copy(self, tree: SourceTree, copy: FileCopy) -> None:
        (_, source_path, status), path, mode, owner = copy
        above, _, source_name = source_path.rpartition("/")
        folder = self.source_folder(tree, above)
        above, _, name = path.rpartition("/")
        parent = self._folder_of(above)
        source = os.open(source_name, _SOURCE, dir_fd=folder)
        try:
            # What is copied must be what the cache key was made of.
            if numbers_of(os.fstat(source)) != numbers_of(status):
                raise FileChanged(source_path)
            try:
                target = os.open(name, _CREATE, mode, dir_fd=parent)
            except FileExistsError:
                self.unlink(parent, path)
                target = os.open(name, _CREATE, mode, dir_fd=parent)
            try:
                data = _content(source, target, status.st_size, source_path)
                if owner != _OURS:
                    os.fchown(target, *owner)
                if mode & _SPECIAL or not self._exact:
                    os.fchmod(target, mode)
                # A context's files bring no capabilities.
                if tree.owned and (capability := capability_of(source)):
                    os.setxattr(target, CAPABILITY, capability)
                    data = None
                moment = self.moment_of(status)
                os.utime(target, ns=(moment, moment))
            finally:
                os.close(target)
        finally:
            os.close(source)
        if data is not None and len(data) <= _PACKED and status.st_nlink == 1:
            self._pack(path, mode, owner, moment, data)

    def _pack(self, path: str, mode: int, owner: tuple[int, int], moment: int, data: bytes) -> None:
        if self._room > 0 and 0 <= moment < _SAFE_TIME_NS:
            called = os.fsencode(path)
            packed = pack_file(called, mode, owner, moment, data)
            self._room -= len(packed)
            self.packed[called] = (len(data), packed)


def is_plain(status: os.stat_result) -> bool:
    """Whether an entry is a regular file with one name."""
    return status.st_nlink == 1 and stat.S_ISREG(status.st_mode)


def _content(source: int, target: int, size: int, path: str) -> bytes | None:
    """Copy what is in a file; of a small one it is returned."""
    if size > _SMALL:
        copy_content(source, target)
        return None
    if size == 0:
        return b""
    data = os.read(source, size)
    while len(data) < size:  # some filesystems give a part at a time
        more = os.read(source, size - len(data))
        if not more:
            raise FileChanged(path)
        data += more
    write_all(target, data)
    return data
