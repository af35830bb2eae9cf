"""Reading systemd's journal through libsystemd, sd-journal(3)."""

import ctypes
import os
import socket
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from typing import Self

# The service that writes what it has been sent when asked to, which journalctl --sync does.
_SERVICE = "/run/systemd/journal/io.systemd.journal"
_SYNCHRONIZE = b'{"method":"io.systemd.Journal.Synchronize"}\0'
_PATIENCE = 10.0  # seconds

_POINTER = ctypes.c_void_p
_FUNCTIONS: dict[str, tuple[object, ...]] = {
    "open": (ctypes.POINTER(_POINTER), ctypes.c_int),
    "close": (_POINTER,),
    "set_data_threshold": (_POINTER, ctypes.c_size_t),
    "add_match": (_POINTER, ctypes.c_char_p, ctypes.c_size_t),
    "seek_head": (_POINTER,),
    "seek_tail": (_POINTER,),
    "seek_realtime_usec": (_POINTER, ctypes.c_uint64),
    "next": (_POINTER,),
    "previous_skip": (_POINTER, ctypes.c_uint64),
    "get_realtime_usec": (_POINTER, ctypes.POINTER(ctypes.c_uint64)),
    "restart_data": (_POINTER,),
    "enumerate_data": (_POINTER, ctypes.POINTER(_POINTER), ctypes.POINTER(ctypes.c_size_t)),
    "get_fd": (_POINTER,),
    "process": (_POINTER,),
}


@cache
def _library() -> ctypes.CDLL:
    """libsystemd, which is wherever systemd is; OSError without it."""
    library = ctypes.CDLL("libsystemd.so.0")
    for name, arguments in _FUNCTIONS.items():
        getattr(library, f"sd_journal_{name}").argtypes = arguments
    library.sd_journal_close.restype = None
    library.sd_journal_restart_data.restype = None
    return library


class Journal:
    """The machine's journal, of which only entries with the field `name` = `value` are seen.

    There is a place in it: on an entry, or between two. For one thread. Raises OSError.
    """

    def __init__(self, name: str, value: str) -> None:
        self._journal = _POINTER()
        self._library = _library()
        self._call("open", ctypes.byref(self._journal), 0)
        match = f"{name}={value}".encode()
        self._on("add_match", match, len(match))
        self._on("set_data_threshold", 0)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self._library.sd_journal_close(self._journal)

    def _call(self, name: str, *arguments: object) -> int:
        result = int(getattr(self._library, f"sd_journal_{name}")(*arguments))
        if result < 0:
            raise OSError(-result, os.strerror(-result), "journal")
        return result

    def _on(self, name: str, *arguments: object) -> int:
        return self._call(name, self._journal, *arguments)

    def go_to_head(self) -> None:
        self._on("seek_head")

    def go_to_tail(self) -> None:
        self._on("seek_tail")

    def go_to(self, time: int) -> None:
        """Before the first entry that is not older than `time`, nanoseconds since 1970."""
        self._on("seek_realtime_usec", time // 1000)

    def next(self) -> bool:
        """Go on to the next entry; False if there is none yet."""
        return self._on("next") > 0

    def go_back(self, count: int) -> bool:
        """Go to the entry `count` before here, or the first; False if there is none."""
        return self._on("previous_skip", count) > 0

    def time(self) -> int:
        """When the entry was received, in nanoseconds since 1970."""
        found = ctypes.c_uint64()
        self._on("get_realtime_usec", ctypes.byref(found))
        return found.value * 1000

    def fields(self) -> Iterator[tuple[str, bytes]]:
        """The entry's fields."""
        data, size = _POINTER(), ctypes.c_size_t()
        self._library.sd_journal_restart_data(self._journal)
        while self._on("enumerate_data", ctypes.byref(data), ctypes.byref(size)):
            if data.value is not None:
                name, _, value = ctypes.string_at(data.value, size.value).partition(b"=")
                yield name.decode(errors="replace"), value

    def fileno(self) -> int:
        """A descriptor that can be read when `refresh` is due."""
        return self._on("get_fd")

    def refresh(self) -> None:
        """Take notice of files that the journal has begun or given up."""
        self._on("process")


def synchronize() -> None:
    """Have what was sent to the journal so far written, as far as it can be asked for that."""
    with suppress(OSError), socket.socket(socket.AF_UNIX) as service:
        service.settimeout(_PATIENCE)
        service.connect(_SERVICE)
        service.sendall(_SYNCHRONIZE)
        while (data := service.recv(4096)) and not data.endswith(b"\0"):
            pass
