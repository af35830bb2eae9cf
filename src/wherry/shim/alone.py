"""Carrying out a request without a launcher, in a child of the client's own."""

import os
from functools import partial
from typing import NoReturn

from wherry.linux.process import close_other_descriptors
from wherry.shim.keeper import Wake, keep
from wherry.shim.outside import leave_callers_cgroup
from wherry.shim.request import Operations, handle


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
