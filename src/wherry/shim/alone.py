"""The child of a client that does without a launcher: it loads, and carries out one request."""

import gc
import os
import sys
from functools import partial

from wherry import packed
from wherry.linux.process import close_other_descriptors
from wherry.linux.sealed import take_name
from wherry.shim.keeper import keep
from wherry.shim.outside import fork_outside, leave_callers_cgroup
from wherry.shim.own_child import DESCRIPTOR
from wherry.shim.request import handle
from wherry.typed import TYPE_CHECKING, NoReturn, cast

if TYPE_CHECKING:
    from typing import Protocol

    from wherry.shim.keeper import Wake
    from wherry.shim.request import Operations

    class Program(Protocol):
        """The module with what can be done."""

        OPERATIONS: Operations
        wake: Wake


def main(program: str) -> NoReturn:
    """Load the module `program`, and carry out the request on `DESCRIPTOR`."""
    gc.disable()  # loading leaves no garbage, and looking for it takes a tenth of the time
    os.set_inheritable(DESCRIPTOR, False)
    if fork_outside() != 0:  # early: what has been touched by now is copied
        os._exit(0)
    __import__(program)
    gc.freeze()  # nor will the first collection find any
    gc.enable()
    if packed.is_void():
        _refresh_pack()
    _serve(cast("Program", sys.modules[program]))


def _refresh_pack() -> None:
    if os.fork() == 0:
        try:
            os.close(DESCRIPTOR)
            packed.refresh()
        finally:
            os._exit(0)


def _serve(program: "Program") -> NoReturn:
    """Carry out the request, in a child that is nobody's."""
    try:
        take_name()
        os.dup2(0, 2)  # until here there may have been something to tell the client's user
        close_other_descriptors({0, 1, 2, DESCRIPTOR})
        os.chdir("/")
        os.umask(0o022)
        leave_callers_cgroup()
        carry_out = partial(handle, operations=program.OPERATIONS)
        keep(carry_out, program.wake, DESCRIPTOR, os.getppid())
    finally:
        os._exit(0)
