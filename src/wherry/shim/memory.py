"""Giving memory back: a shim idles for months, so each page of its own counts twenty times."""

import ctypes
import gc
from array import array
from collections.abc import Callable
from functools import partial

from wherry.linux.libc import declare

_malloc_trim = declare("malloc_trim", ctypes.c_size_t)
_malloc = declare("malloc", ctypes.c_size_t, result=ctypes.c_void_p)
_free = declare("free", ctypes.c_void_p, result=None)

_STEP = 16  # bytes: both allocators hand out multiples
_SMALL = 512  # bytes: what Python takes from its own pools, the rest from the C library
_LARGE = 1024
_HEAD = 16  # bytes before what malloc returns
_IN_A_ROW = 8  # neighbours, which are found where nothing was before
_LOCKS = 32  # semaphores: a forked interpreter makes a new one of each lock that it has
_LOCK_SIZE = 32
_MOST = 20_000

_fillers: list[object] = []


def trim() -> None:
    """Collect garbage and return free pages to the kernel."""
    gc.collect()
    _malloc_trim(0)


def make_room() -> None:
    """Have what is made from now on lie together, not in the holes that are left everywhere.

    Each page that forks write to is one that each of them has for itself.
    """
    trim()
    for size in range(_LARGE, _STEP, -_STEP):
        _fill(partial(_malloc, size - _HEAD), size)
    _fill_and_keep(object, 16)
    _fill_and_keep(partial(float, "1"), 32)
    head = b"".__sizeof__()
    for size in range(48, _SMALL + 1, _STEP):
        _fill_and_keep(partial(bytes, size - head), size)


def ready_locks() -> None:
    """Have the locks that the next fork makes lie together."""
    for address in _fill(lambda: _malloc(_LOCK_SIZE), _LOCK_SIZE + _HEAD, _LOCKS):
        _free(address)


def _fill(make: Callable[[], int], size: int, wanted: int = _IN_A_ROW) -> "array[int]":
    """Allocate until so many lie one after the other; those."""
    made = array("Q")  # no objects, which would lie between them
    for _ in range(_MOST):
        made.append(make())
        if len(made) >= wanted and made[-1] - made[-wanted] == (wanted - 1) * size:
            return made[-wanted:]
    return array("Q")


def _fill_and_keep(make: Callable[[], object], size: int) -> None:
    def filler() -> int:
        _fillers.append(make())
        return id(_fillers[-1])

    wanted = max(_IN_A_ROW, 4096 // size)
    _fill(filler, size, wanted)
    del _fillers[1 - wanted :]
