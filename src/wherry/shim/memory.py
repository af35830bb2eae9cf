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
_PAGE = 4096
_POOL = 16384  # bytes: all that is in one of Python's pools is of one size
_POOL_HEAD = 48  # bytes of it before the first
_IN_A_ROW = 8  # neighbours, at the least, which are found where nothing was before
_LOCKS = 32  # semaphores: a forked interpreter makes a new one of each lock that it has
_LOCK_SIZE = 32
_MOST = 2000  # allocations; another allocator may never give neighbours

_fillers: list[object] = []


def trim() -> None:
    """Collect garbage and return free pages to the kernel."""
    gc.collect()
    _malloc_trim(0)


def make_room() -> None:
    """Have what is made from now on lie together, not in the holes that are left everywhere.

    Each page that forks write to is one that each of them has for itself. So the holes are filled:
    what is allocated in vain, until neighbours come, is some five hundred kilobytes.
    """
    trim()
    for size in range(_LARGE, _STEP, -_STEP):
        made = _neighbours(partial(_malloc, size - _HEAD), size, _IN_A_ROW)
        if len(made) == _MOST:
            _free_all(made)
            return
    _fill_pools(object, 16)
    _fill_pools(partial(float, "1"), 32)
    head = b"".__sizeof__()
    for size in range(48, _SMALL + 1, _STEP):
        _fill_pools(partial(bytes, size - head), size)


def ready_locks() -> None:
    """Have the locks that the next fork makes lie together."""
    made = _neighbours(partial(_malloc, _LOCK_SIZE), _LOCK_SIZE + _HEAD, _LOCKS)
    _free_all(made if len(made) == _MOST else made[-_LOCKS:])


def _fill_pools(make: Callable[[], object], size: int) -> None:
    def address() -> int:
        _fillers.append(make())
        return id(_fillers[-1])

    wanted = max(_IN_A_ROW, _PAGE // size)
    before = len(_fillers)
    # A new pool is begun when no other of the size has a hole.
    if len(_neighbours(address, size, wanted, at_begin=True)) == _MOST:
        del _fillers[before:]
    else:
        del _fillers[1 - wanted :]  # but one, so that the pool stays this size's


def _neighbours(
    make: Callable[[], int], size: int, wanted: int, *, at_begin: bool = False
) -> "array[int]":
    """Addresses from `make`, the last of which lie one after the other, so many as wanted; with
    `at_begin` they are the first of a pool."""
    made = array("Q")  # no objects, which would lie between them
    while len(made) < _MOST:
        made.append(make())
        if len(made) < wanted or made[-1] - made[-wanted] != (wanted - 1) * size:
            continue
        if not at_begin or made[-wanted] % _POOL == _POOL_HEAD:
            break
    return made


def _free_all(addresses: "array[int]") -> None:
    for address in addresses:
        _free(address)
