"""The command line, one of whose processes is killed at a named point, as by kill -9 or a crash.

    python -m wherry.testing.killed POINT WORD...

There is no launcher: the processes that carry out the request are this one and the child that it
spawns, which loads this module and reaches the points of `Store.trace` too, as does the supervisor
that one of them becomes.
"""

import os
import signal
import sys
from functools import partial

from wherry.cli.main import main
from wherry.engine import launch
from wherry.shim import own_child
from wherry.store.store import Store

OPERATIONS, wake = launch.OPERATIONS, launch.wake
_POINT = "WHERRY_KILLED_AT"


def die_at(point: str, reached: str) -> None:
    """End this process on the spot if it has reached `point`."""
    if reached == point:
        os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    os.environ.update({"WHERRY_LAUNCHER": "off", _POINT: sys.argv[1]})
    own_child.PROGRAM = "wherry.testing.killed"
Store.trace = staticmethod(partial(die_at, os.environ.get(_POINT, "")))
if __name__ == "__main__":
    sys.exit(main(sys.argv[2:]))
