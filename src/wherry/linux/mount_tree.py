"""Trees of mounts held by descriptors: open_tree(2), move_mount(2), mount_setattr(2), fsopen(2).

A tree from `open_tree` is a copy that belongs to no namespace until `attach` puts it somewhere;
its attributes are set before anybody can see it. Linux 5.12 has all of them.

Imported before a program executes itself sealed: little else is imported here, and no enum.
"""

import os
from struct import Struct

from wherry.linux.libc import syscall

Target = str | bytes | os.PathLike[str]

# The same on every architecture.
_SYS_OPEN_TREE = 428
_SYS_MOVE_MOUNT = 429
_SYS_FSOPEN = 430
_SYS_FSCONFIG = 431
_SYS_FSMOUNT = 432
_SYS_MOUNT_SETATTR = 442

_AT_EMPTY_PATH = 0x1000
_AT_RECURSIVE = 0x8000
_OPEN_TREE_CLONE = 1
_MOVE_MOUNT_F_EMPTY_PATH = 0x04
_MOVE_MOUNT_T_EMPTY_PATH = 0x40
_FSOPEN_CLOEXEC = 1
_FSMOUNT_CLOEXEC = 1
_FSCONFIG_SET_FLAG = 0
_FSCONFIG_SET_STRING = 1
_FSCONFIG_CMD_CREATE = 6

_MOUNT_ATTR = Struct("=QQQQ")  # set, clear, propagation, user namespace


class Attribute:
    """Attributes of mount_setattr(2). The access time is one field of three bits."""

    RDONLY = 0x1
    NOSUID = 0x2
    NODEV = 0x4
    NOEXEC = 0x8
    NOATIME = 0x10
    STRICTATIME = 0x20
    NODIRATIME = 0x80
    IDMAP = 0x100000
    NOSYMFOLLOW = 0x200000

    ATIME_FIELD = 0x70


def open_tree(
    path: Target, *, directory: int = -100, recursive: bool = False, clone: bool = True
) -> int:
    """A descriptor of a copy of the mount at `path`, with all mounts below it if `recursive`.

    The copy vanishes with the descriptor unless it is attached. An empty `path` is `directory`.
    """
    flags = os.O_CLOEXEC | (_OPEN_TREE_CLONE if clone else 0)
    flags |= _AT_RECURSIVE if recursive else 0
    name = os.fsencode(path)
    flags |= 0 if name else _AT_EMPTY_PATH
    try:
        return syscall(_SYS_OPEN_TREE, directory, name, flags)
    except OSError as error:
        raise OSError(error.errno, error.strerror, path) from None


def attach(tree: int, target: int) -> None:
    """Mount the detached `tree` on what the descriptor `target` stands for."""
    flags = _MOVE_MOUNT_F_EMPTY_PATH | _MOVE_MOUNT_T_EMPTY_PATH
    syscall(_SYS_MOVE_MOUNT, tree, b"", target, b"", flags)


def set_attributes(
    tree: int,
    *,
    add: int = 0,
    clear: int = 0,
    propagation: int = 0,
    user_namespace: int = 0,
    recursive: bool = False,
) -> None:
    """Change attributes of the mount `tree` stands for; with IDMAP by `user_namespace`."""
    attributes = _MOUNT_ATTR.pack(add, clear, propagation, user_namespace)
    flags = _AT_EMPTY_PATH | (_AT_RECURSIVE if recursive else 0)
    syscall(_SYS_MOUNT_SETATTR, tree, b"", flags, attributes, _MOUNT_ATTR.size)


def new_filesystem(fstype: str, options: tuple[tuple[str, str | None], ...] = ()) -> int:
    """A detached mount of a new `fstype`; options are (key, value), value None for a bare flag.

    Overlay's `lowerdir+` and the like can be repeated, so that no page limits their sum.
    """
    context = syscall(_SYS_FSOPEN, fstype.encode(), _FSOPEN_CLOEXEC)
    try:
        for key, value in options:
            if value is None:
                syscall(_SYS_FSCONFIG, context, _FSCONFIG_SET_FLAG, key.encode(), None, 0)
            else:
                text = os.fsencode(value)
                syscall(_SYS_FSCONFIG, context, _FSCONFIG_SET_STRING, key.encode(), text, 0)
        syscall(_SYS_FSCONFIG, context, _FSCONFIG_CMD_CREATE, None, None, 0)
        return syscall(_SYS_FSMOUNT, context, _FSMOUNT_CLOEXEC, 0)
    except OSError as error:
        raise OSError(error.errno, _reason(context) or error.strerror, fstype) from None
    finally:
        os.close(context)


def _reason(context: int) -> str:
    """What the filesystem itself said about the failure: lines of the form "e message"."""
    try:
        return os.read(context, 4096).decode(errors="replace").strip().removeprefix("e ")
    except OSError:
        return ""
