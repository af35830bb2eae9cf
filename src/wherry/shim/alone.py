"""Carrying out a request without a launcher, in a child of the client's own."""

import os
from functools import partial
from typing import NoReturn

from wherry.linux.process import close_other_descriptors
from wherry.linux.sealed import is_sealed, open_sealed_interpreter
from wherry.shim.client import launcher_environment, run_isolated
from wherry.shim.keeper import Wake, keep
from wherry.shim.outside import leave_callers_cgroup
from wherry.shim.request import Operations, handle


def begin_again_sealed(client: int, function: str) -> None:
    """Execute a sealed interpreter that calls `function`, a dotted name, with `client`.

    For a program that uses the library: it has not begun sealed, as the command line and the
    launcher do. Returns where this process is sealed, or cannot be: an ordinary user's containers
    cannot write to what is not that user's.
    """
    if is_sealed():
        return
    try:
        interpreter = open_sealed_interpreter()
    except OSError:
        return
    module, _, name = function.rpartition(".")
    os.set_inheritable(client, True)
    words = run_isolated(f"from {module} import {name} as f; f({client})")
    os.execve(interpreter, words, launcher_environment())


def serve_one(client: int, operations: Operations, wake: Wake) -> NoReturn:
    """Carry out one request, whose connection is the descriptor `client`."""
    try:
        null = os.open("/dev/null", os.O_RDWR | os.O_CLOEXEC)
        for descriptor in (0, 1, 2):
            os.dup2(null, descriptor)
        close_other_descriptors({0, 1, 2, client})
        os.chdir("/")
        os.umask(0o022)
        leave_callers_cgroup()
        keep(partial(handle, operations=operations), wake, client, os.getppid())
    finally:
        os._exit(0)
