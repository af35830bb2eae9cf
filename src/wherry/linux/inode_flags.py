"""Flags of folders that a filesystem heeds as it allocates, FS_IOC_SETFLAGS(2const)."""

import fcntl
import struct
from contextlib import suppress
from pathlib import Path

from wherry.linux.openat import directory_descriptor

_GET_FLAGS = 0x80086601
_SET_FLAGS = 0x40086602
_TOPDIR = 0x00020000


def spread_subfolders(folder: Path) -> None:
    """Have each folder in `folder` allocated apart from the others, as chattr(1) +T does.

    ext4 otherwise keeps them together, where what was removed in the last minute is in the way of
    every file that is made: 20,000 took 10 s instead of half a second. Others have no such flag.
    """
    with suppress(OSError), directory_descriptor(folder) as descriptor:
        (flags,) = struct.unpack("l", fcntl.ioctl(descriptor, _GET_FLAGS, bytes(8)))
        fcntl.ioctl(descriptor, _SET_FLAGS, struct.pack("l", flags | _TOPDIR))
