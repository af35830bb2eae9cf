"""Being told of changes to files: inotify(7)."""

import ctypes
import os
from collections.abc import Iterator
from enum import IntFlag
from struct import Struct

from wherry.linux.libc import declare, last_error

_inotify_init1 = declare("inotify_init1", ctypes.c_int)
_inotify_add_watch = declare("inotify_add_watch", ctypes.c_int, ctypes.c_char_p, ctypes.c_uint32)
_inotify_rm_watch = declare("inotify_rm_watch", ctypes.c_int, ctypes.c_int)

_EVENT = Struct("iIII")  # wd, mask, cookie, length of the name that follows
_BUFFER = 65536


class Change(IntFlag):
    MODIFY = 0x2
    ATTRIB = 0x4
    CLOSE_WRITE = 0x8
    MOVED_FROM = 0x40
    MOVED_TO = 0x80
    CREATE = 0x100
    DELETE = 0x200
    DELETE_SELF = 0x400
    MOVE_SELF = 0x800
    Q_OVERFLOW = 0x4000
    IGNORED = 0x8000


class Inotify:
    """Watches on files and folders; `descriptor` becomes readable when one of them changed."""

    def __init__(self) -> None:
        self.descriptor: int = _inotify_init1(os.O_CLOEXEC | os.O_NONBLOCK)
        if self.descriptor < 0:
            raise last_error()

    def watch(self, path: str | os.PathLike[str], changes: Change) -> int:
        """Watch `path`; the number that its changes carry."""
        number: int = _inotify_add_watch(self.descriptor, os.fsencode(path), changes)
        if number < 0:
            raise last_error(path)
        return number

    def forget(self, number: int) -> None:
        """Stop watching; no error if the file is gone, and its watch with it."""
        _inotify_rm_watch(self.descriptor, number)

    def changes(self) -> Iterator[tuple[int, Change, str]]:
        """What has changed since the last call: watch, change, name within a watched folder."""
        try:
            data = os.read(self.descriptor, _BUFFER)
        except BlockingIOError:
            return
        offset = 0
        while offset < len(data):
            number, mask, _, length = _EVENT.unpack_from(data, offset)
            offset += _EVENT.size
            name = data[offset : offset + length].rstrip(b"\0")
            offset += length
            yield number, Change(mask), os.fsdecode(name)

    def close(self) -> None:
        os.close(self.descriptor)

    def __enter__(self) -> "Inotify":
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()
