"""Opening paths that others chose: openat2(2), so that no link leads out of a folder.

Every function takes a directory descriptor that stands for the root of what may be reached.
In `in_root` lookups links and `..` are followed as a process chrooted there would follow them;
in `beneath` lookups a path that would leave is an error, and no link is followed at all.
The kernel does the lookup in one go, so nothing can be swapped between a check and a use.
"""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from enum import IntFlag
from struct import Struct

from wherry.linux.libc import syscall

_SYS_OPENAT2 = 437  # the same on every architecture
# The kernel answers EAGAIN when a rename anywhere made it unsure about a `..`; see openat2(2).
_ATTEMPTS = 128

DIRECTORY = os.O_PATH | os.O_DIRECTORY
READABLE_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY


class Resolve(IntFlag):
    NO_XDEV = 0x01
    NO_MAGICLINKS = 0x02
    NO_SYMLINKS = 0x04
    BENEATH = 0x08
    IN_ROOT = 0x10


_OPEN_HOW = Struct("=QQQ")  # flags, mode, resolve


def openat2(
    directory: int, path: str | bytes, flags: int, mode: int = 0, *, resolve: Resolve
) -> int:
    """A close-on-exec descriptor of `path` below `directory`; OSError with `path` as filename."""
    how = _OPEN_HOW.pack(flags | os.O_CLOEXEC, mode, resolve)
    name = os.fsencode(path)
    if b"\0" in name:
        raise OSError(errno.EINVAL, "path holds a NUL byte", path)
    for _ in range(_ATTEMPTS):
        try:
            return syscall(_SYS_OPENAT2, directory, name, how, _OPEN_HOW.size)
        except OSError as error:
            if error.errno not in (errno.EAGAIN, errno.EINTR):
                raise OSError(error.errno, error.strerror, path) from None
    raise OSError(errno.EAGAIN, os.strerror(errno.EAGAIN), path)


def open_in_root(root: int, path: str | bytes, flags: int, mode: int = 0) -> int:
    """Open `path` as a process whose root directory is `root` would see it."""
    resolve = Resolve.IN_ROOT | Resolve.NO_MAGICLINKS
    return openat2(root, path, flags, mode, resolve=resolve)


def open_beneath(directory: int, path: str | bytes, flags: int, mode: int = 0) -> int:
    """Open `path` below `directory`; a link or `..` on the way is refused with ELOOP or EXDEV."""
    resolve = Resolve.BENEATH | Resolve.NO_SYMLINKS
    return openat2(directory, path, flags, mode, resolve=resolve)


def make_directories_in_root(root: int, path: str | bytes, mode: int = 0o755) -> int:
    """A descriptor (O_PATH) of the directory `path` inside `root`, made with its parents.

    Links to directories are followed inside the root; a link that points nowhere is an error.
    """
    try:
        return open_in_root(root, path, DIRECTORY)
    except FileNotFoundError:
        pass
    parent, name = os.path.split(os.fsencode(path).rstrip(b"/"))
    if name in (b"", b".", b".."):
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)
    above = make_directories_in_root(root, parent or b"/", mode)
    # It may have been made meanwhile, or be a dangling link: the lookup tells.
    with opened(above), suppress(FileExistsError):
        os.mkdir(name, mode, dir_fd=above)
    return open_in_root(root, path, DIRECTORY)


class opened:  # noqa: N801 - used as a function; one of contextlib's costs a generator each time
    """Close `descriptor` at the end of the block."""

    __slots__ = ("descriptor",)

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor

    def __enter__(self) -> int:
        return self.descriptor

    def __exit__(self, *_failure: object) -> None:
        os.close(self.descriptor)


@contextmanager
def directory_descriptor(path: str | bytes | os.PathLike[str]) -> Iterator[int]:
    """A descriptor of the directory `path`, a trusted path of ours, for the block."""
    with opened(os.open(path, READABLE_DIRECTORY | os.O_CLOEXEC)) as descriptor:
        yield descriptor
