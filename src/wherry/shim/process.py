"""One process under supervision: its pidfd, its exit, and orphans that became our children."""

import os
import signal
from contextlib import suppress

from wherry.values import dataclass


@dataclass(slots=True)
class Supervised:
    """A child (or a descendant left to us as subreaper) that has been started."""

    pid: int
    pidfd: int
    started: int  # in clock ticks since boot
    console: int = -1  # the controlling side of its terminal

    def send(self, number: int) -> bool:
        """Send a signal; False when the process has ended."""
        try:
            signal.pidfd_send_signal(self.pidfd, number)
        except ProcessLookupError:
            return False
        return True

    def reap(self) -> int:
        """The exit code of the process, which has ended: its own, or 128 and the signal."""
        result = os.waitid(os.P_PIDFD, self.pidfd, os.WEXITED)
        os.close(self.pidfd)
        self.pidfd = -1
        assert result is not None
        if result.si_code == os.CLD_EXITED:
            return result.si_status
        return 128 + result.si_status


def reap_orphans(watched: set[int]) -> list[int]:
    """Wait for children that nobody else will, and return their ids: what a container without
    a pid namespace of its own leaves, and helpers of ours. `watched` ones have their pidfds."""
    reaped: list[int] = []
    with suppress(ChildProcessError):
        while True:
            found = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            if found is None or found.si_pid in watched:
                break
            os.waitpid(found.si_pid, os.WNOHANG)
            reaped.append(found.si_pid)
    return reaped
