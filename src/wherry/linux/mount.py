"""Mounting: mount(2), umount2(2), pivot_root(2). Mounts held by descriptors: `mount_tree`."""

import os
from ctypes import c_char, c_char_p, c_int, c_ulong, c_void_p, sizeof
from enum import IntFlag

from wherry.linux.libc import declare, last_error

Target = str | bytes | os.PathLike[str]

_mount = declare("mount", c_char_p, c_char_p, c_char_p, c_ulong, c_char_p)
_umount2 = declare("umount2", c_char_p, c_int)
_pivot_root = declare("pivot_root", c_char_p, c_char_p)
_fstatfs = declare("fstatfs", c_int, c_void_p)

_STATFS_SIZE = 256  # more than it takes anywhere
_LONG = sizeof(c_ulong)

PROC_SUPER_MAGIC = 0x9FA0
DEVPTS_SUPER_MAGIC = 0x1CD1


class MountFlag(IntFlag):
    """Flags of mount(2)."""

    RDONLY = 0x1
    NOSUID = 0x2
    NODEV = 0x4
    NOEXEC = 0x8
    SYNCHRONOUS = 0x10
    REMOUNT = 0x20
    MANDLOCK = 0x40
    DIRSYNC = 0x80
    NOSYMFOLLOW = 0x100
    NOATIME = 0x400
    NODIRATIME = 0x800
    BIND = 0x1000
    MOVE = 0x2000
    REC = 0x4000
    SILENT = 0x8000
    UNBINDABLE = 0x20000
    PRIVATE = 0x40000
    SLAVE = 0x80000
    SHARED = 0x100000
    RELATIME = 0x200000
    IVERSION = 0x800000
    STRICTATIME = 0x1000000
    LAZYTIME = 0x2000000


class UnmountFlag(IntFlag):
    """Flags of umount2(2)."""

    FORCE = 1
    DETACH = 2
    EXPIRE = 4
    NOFOLLOW = 8


def mount(fstype: str, source: str, target: Target, flags: int, data: str = "") -> None:
    """Mount `source` on `target`, or raise OSError with `target` as its filename."""
    arguments = (os.fsencode(source), os.fsencode(target), fstype.encode())
    if _mount(*arguments, flags, os.fsencode(data)) != 0:
        raise last_error(target)


def set_propagation(target: Target, flags: int) -> None:
    """Make the mount at `target` SHARED, SLAVE, PRIVATE or UNBINDABLE, with REC all below it."""
    if _mount(None, os.fsencode(target), None, flags, None) != 0:
        raise last_error(target)


def unmount(target: Target, flags: int = 0) -> None:
    """Unmount what is mounted at `target`."""
    if _umount2(os.fsencode(target), flags) != 0:
        raise last_error(target)


def pivot_root(new_root: Target, put_old: Target) -> None:
    """Make `new_root` the root of this mount namespace and show the old one at `put_old`."""
    if _pivot_root(os.fsencode(new_root), os.fsencode(put_old)) != 0:
        raise last_error(new_root)


def filesystem_type(descriptor: int) -> int:
    """The magic number of the filesystem a descriptor is on, statfs(2)."""
    buffer = (c_char * _STATFS_SIZE)()
    if _fstatfs(descriptor, buffer) != 0:
        raise last_error()
    return int.from_bytes(buffer.raw[:_LONG], "little")
