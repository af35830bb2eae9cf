"""Files as wholes: written in one step, copied with their holes, removed as trees."""

import errno
import os
from collections.abc import Iterator
from contextlib import suppress
from ctypes import c_char_p, c_int, c_uint
from pathlib import Path

from wherry.linux.libc import declare, last_error
from wherry.linux.openat import READABLE_DIRECTORY, directory_descriptor, opened

_syncfs = declare("syncfs", c_int)
_renameat2 = declare("renameat2", c_int, c_char_p, c_int, c_char_p, c_uint)

_AT_FDCWD = -100
_RENAME_EXCHANGE = 2

_COPY_SIZE = 1 << 20
# What copy_file_range(2) answers when the two files cannot be joined this way.
_NOT_COPYABLE = (errno.EXDEV, errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP)
_DEEPEST = 64  # directories held open at once while a tree is removed


def write_atomically(
    path: str | os.PathLike[str], data: bytes, mode: int = 0o644, *, durable: bool = True
) -> None:
    """Make `path` hold `data`: a reader, or a kill, finds the old content or the new.

    `durable` also survives a power cut. The temporary file is beside `path`, named for it.
    """
    target = Path(path)
    temporary = target.parent / f".{target.name}.{os.getpid()}-{os.urandom(4).hex()}"
    descriptor = os.open(
        temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, mode
    )
    try:
        with opened(descriptor):
            write_all(descriptor, data)
            os.fchmod(descriptor, mode)  # whatever the umask
            if durable:
                os.fsync(descriptor)
        os.rename(temporary, target)
    except BaseException:
        os.unlink(temporary)
        raise
    if durable:
        sync_directory(target.parent)


def write_all(descriptor: int, data: bytes | memoryview) -> None:
    """Write all of `data`, however little the file takes at a time."""
    written = os.write(descriptor, data)
    if written == len(data):
        return
    rest = memoryview(data)[written:]
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def sync_directory(path: str | os.PathLike[str]) -> None:
    """Make the names in a directory durable."""
    with directory_descriptor(path) as descriptor:
        os.fsync(descriptor)


def sync_filesystem(descriptor: int) -> None:
    """Make durable everything written to the filesystem that `descriptor` is on, syncfs(2)."""
    if _syncfs(descriptor) != 0:
        raise last_error()


def exchange(one: Path, other: Path) -> None:
    """Let two entries of one filesystem change places in one step, renameat2(2)."""
    names = (os.fsencode(one), os.fsencode(other))
    if _renameat2(_AT_FDCWD, names[0], _AT_FDCWD, names[1], _RENAME_EXCHANGE) != 0:
        raise last_error(one)


def data_segments(descriptor: int, size: int) -> Iterator[tuple[int, int]]:
    """(offset, length) of what is not a hole in the first `size` bytes, in order, lseek(2)."""
    offset = 0
    while offset < size:
        try:
            start = os.lseek(descriptor, offset, os.SEEK_DATA)
        except OSError as error:
            if error.errno == errno.ENXIO:  # a hole up to the end
                return
            raise
        end = min(os.lseek(descriptor, start, os.SEEK_HOLE), size)
        if start >= size:
            return
        yield start, end - start
        offset = end


def copy_content(source: int, target: int) -> None:
    """Copy a regular file into the empty file `target`, in the kernel, its holes kept."""
    size = os.fstat(source).st_size
    os.ftruncate(target, size)
    for offset, length in data_segments(source, size):
        _copy_segment(source, target, offset, length)


def _copy_segment(source: int, target: int, offset: int, length: int) -> None:
    end = offset + length
    try:
        while offset < end:
            copied = os.copy_file_range(source, target, end - offset, offset, offset)
            if copied == 0:  # shortened meanwhile
                return
            offset += copied
    except OSError as error:
        if error.errno not in _NOT_COPYABLE:
            raise
        while offset < end:
            data = os.pread(source, min(_COPY_SIZE, end - offset), offset)
            if not data:
                return
            os.pwrite(target, data, offset)
            offset += len(data)


def remove_tree(path: str | os.PathLike[str]) -> None:
    """Remove `path`, a trusted path of ours, with everything below; see `remove_entry`."""
    target = Path(path)
    try:
        with directory_descriptor(target.parent) as above:
            remove_entry(above, os.fsencode(target.name))
    except FileNotFoundError:
        return


def remove_entry(directory: int, name: bytes) -> None:
    """Remove an entry of `directory` with everything below it; none there is fine.

    No link is followed, and a mount point below stops it with EBUSY or EXDEV. Any depth will do:
    what lies too deep is first moved up, so that few descriptors are open.
    """
    try:
        os.unlink(name, dir_fd=directory)
    except FileNotFoundError:
        return
    except (IsADirectoryError, PermissionError):  # EPERM is what POSIX says for a directory
        _remove_directory(directory, name)


def _remove_directory(directory: int, name: bytes) -> None:
    with suppress(FileNotFoundError), opened(_open_directory(name, directory)) as top:
        deep: list[bytes] = []
        _empty(top, top, 1, deep)
        while deep:
            _remove_directory_at(top, deep.pop(), top, 1, deep)
    _remove_empty(directory, name)


def _remove_directory_at(above: int, name: bytes, top: int, depth: int, deep: list[bytes]) -> None:
    with suppress(FileNotFoundError), opened(_open_directory(name, above)) as descriptor:
        _empty(descriptor, top, depth + 1, deep)
    _remove_empty(above, name)


def _empty(descriptor: int, top: int, depth: int, deep: list[bytes]) -> None:
    with os.scandir(descriptor) as entries:
        listed = [(os.fsencode(e.name), e.is_dir(follow_symlinks=False)) for e in entries]
    for name, is_directory in listed:
        if not is_directory:
            with suppress(FileNotFoundError):  # another process removes the same tree
                os.unlink(name, dir_fd=descriptor)
        elif depth < _DEEPEST:
            _remove_directory_at(descriptor, name, top, depth, deep)
        else:
            moved = b".wherry-%s" % os.urandom(8).hex().encode()
            with suppress(FileNotFoundError):
                os.rename(name, moved, src_dir_fd=descriptor, dst_dir_fd=top)
                deep.append(moved)


def _open_directory(name: bytes, directory: int) -> int:
    return os.open(name, READABLE_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=directory)


def _remove_empty(directory: int, name: bytes) -> None:
    with suppress(FileNotFoundError):
        os.rmdir(name, dir_fd=directory)
