"""The C library: one place that loads it, declares prototypes and reads errno."""

import ctypes
import os

TYPE_CHECKING = False  # importing typing takes longer than all of this
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

_libc = ctypes.CDLL(None, use_errno=True)


def declare(
    name: str, *argument_types: "Any", result: "Any" = ctypes.c_int
) -> "Callable[..., Any]":
    """The C function `name`, its prototype declared once for every caller."""
    function = getattr(_libc, name)
    function.argtypes = argument_types
    function.restype = result
    return function  # type: ignore[no-any-return]


def last_error(*filenames: str | bytes | os.PathLike[str] | None) -> OSError:
    """The OSError for the current errno, with up to two file names as its operands."""
    number = ctypes.get_errno()
    return OSError(number, os.strerror(number), *_with_slot_for_winerror(filenames))


def _with_slot_for_winerror(
    filenames: tuple[str | bytes | os.PathLike[str] | None, ...],
) -> tuple[object, ...]:
    # OSError(errno, text, filename, winerror, filename2)
    if len(filenames) == 2:
        return (filenames[0], None, filenames[1])
    return filenames


_syscall = declare("syscall", ctypes.c_long, result=ctypes.c_long)
_syscall.argtypes = None  # type: ignore[attr-defined]  # variadic


def syscall(number: int, *arguments: "Any") -> int:
    """Make system call `number`; OSError on failure. Takes ints, bytes and ctypes values."""
    # ctypes passes a plain int as a 32-bit C int, which a variadic callee reads with rubbish above.
    result = _syscall(
        ctypes.c_long(number),
        *(ctypes.c_long(a) if isinstance(a, int) else a for a in arguments),
    )
    if result < 0:
        raise last_error()
    return int(result)
