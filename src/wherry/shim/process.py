"""One process under supervision: its pidfd, its exit, and orphans that became our children."""

import os
import select
import signal
from collections.abc import Callable
from contextlib import suppress

from wherry.values import dataclass


@dataclass(slots=True)
class Supervised:
    """A child (or a descendant left to us as subreaper) that has been started."""

    pid: int
    pidfd: int
    started: int  # in clock ticks since boot
    console: int = -1  # the controlling side of its terminal
    # Waits for it where it is not our child: its code and status, waitid(2).
    reaper: Callable[[int], tuple[int, int]] | None = None

    def send(self, number: int) -> bool:
        """Send a signal; False when the process has ended."""
        try:
            signal.pidfd_send_signal(self.pidfd, number)
        except ProcessLookupError:
            return False
        return True

    @property
    def has_ended(self) -> bool:
        """Whether it has, and has not been reaped yet."""
        poll = select.poll()
        poll.register(self.pidfd, select.POLLIN)
        return bool(poll.poll(0))

    def reap(self) -> int:
        """The exit code of the process, which has ended: its own, or 128 and the signal."""
        code, status = self._wait() if self.reaper is None else self.reaper(self.pid)
        os.close(self.pidfd)
        self.pidfd = -1
        return status if code == os.CLD_EXITED else 128 + status

    def _wait(self) -> tuple[int, int]:
        result = os.waitid(os.P_PIDFD, self.pidfd, os.WEXITED)
        assert result is not None
        return result.si_code, result.si_status


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
