"""Extended attributes of an entry in a directory, without following a link: xattr(7).

No system call takes a directory descriptor and a name for these, so the entry is reached
through /proc/self/fd, whose first part the kernel resolves to the very directory opened.
"""

import errno
import os

# What a filesystem without extended attributes, or without this one, answers.
_ABSENT = (errno.ENODATA, errno.ENOTSUP)


def entry_path(directory: int, name: bytes) -> bytes:
    """A path of `name` in `directory` for calls that take nothing but paths."""
    return b"/proc/self/fd/%d/%s" % (directory, name)


def set_entry_xattr(directory: int, name: bytes, key: str, value: bytes) -> None:
    os.setxattr(entry_path(directory, name), key, value, follow_symlinks=False)


def get_entry_xattr(directory: int, name: bytes, key: str) -> bytes | None:
    """The value, or None when the entry has no such attribute."""
    return _get(entry_path(directory, name), key)


def list_entry_xattrs(directory: int, name: bytes) -> list[str]:
    """The attributes' names in order; none on a filesystem that has no such thing."""
    try:
        return sorted(os.listxattr(entry_path(directory, name), follow_symlinks=False))
    except OSError as error:
        if error.errno in _ABSENT:
            return []
        raise


def get_xattr(descriptor: int, key: str) -> bytes | None:
    """The value on an open file, or None when it has no such attribute."""
    try:
        return os.getxattr(descriptor, key)
    except OSError as error:
        if error.errno in _ABSENT:
            return None
        raise


def _get(path: bytes, key: str) -> bytes | None:
    try:
        return os.getxattr(path, key, follow_symlinks=False)
    except OSError as error:
        if error.errno in _ABSENT:
            return None
        raise
