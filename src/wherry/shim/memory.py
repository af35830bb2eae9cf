"""Giving memory back: a shim idles for months, so each page of its own counts twenty times."""

import ctypes
import gc

from wherry.linux.libc import declare

_malloc_trim = declare("malloc_trim", ctypes.c_size_t)


def trim() -> None:
    """Collect garbage and return free pages to the kernel."""
    gc.collect()
    _malloc_trim(0)
