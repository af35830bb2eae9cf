"""The command line, one of whose processes is killed at a named point, as by kill -9 or a crash.

    python -m wherry.testing.killed POINT WORD...

There is no launcher, so that the processes that carry out the request, and the supervisor that
one of them becomes, are forks of this one and reach the points of `Store.trace` too.
"""

import os
import signal
import sys
from functools import partial

from wherry.cli.main import main
from wherry.store.store import Store


def die_at(point: str, reached: str) -> None:
    """End this process on the spot if it has reached `point`."""
    if reached == point:
        os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    os.environ["WHERRY_LAUNCHER"] = "off"
    Store.trace = staticmethod(partial(die_at, sys.argv[1]))
    sys.exit(main(sys.argv[2:]))
