"""What belongs to one start of a container, from its beginning to its teardown."""

import signal
from contextlib import ExitStack

from wherry.linux.cgroup.manager import CgroupManager
from wherry.linux.cgroup.oom import OOMWatch
from wherry.shim.health import HealthMonitor
from wherry.shim.log.writer import LogWriter
from wherry.shim.loop import Loop
from wherry.shim.networking import Networking
from wherry.shim.process import Supervised
from wherry.shim.start_plan import StartMade
from wherry.shim.streams import Streams
from wherry.values import dataclass

_EMPTYING = 10.0  # seconds for killed processes to be gone


@dataclass(slots=True)
class Run:
    """One start, with what it has come to so far."""

    made: StartMade
    log: LogWriter
    streams: Streams
    cgroup: CgroupManager
    cgroups_path: str
    process: Supervised | None = None
    networking: Networking | None = None
    oom: OOMWatch | None = None
    health: HealthMonitor | None = None
    began: float = 0.0
    torn_down: bool = False

    def withdraw(self) -> None:
        """Be reached by no network any more."""
        networking, self.networking = self.networking, None
        if networking is not None:
            networking.close()

    def tear_down(self, loop: Loop) -> None:
        """Let go of everything that this start took. Each part on its own: one that fails must
        not keep the others."""
        if self.torn_down:
            return
        self.torn_down = True
        with ExitStack() as parts:
            parts.callback(self.made.release)
            parts.callback(self.withdraw)
            parts.callback(self._delete_cgroup)
            if self.oom is not None:
                loop.forget(self.oom.fileno())
                parts.callback(self.oom.close)

    def _delete_cgroup(self) -> None:
        try:
            self.cgroup.delete()
        except OSError:
            # Somebody is still on the way out.
            self.cgroup.signal_all(signal.SIGKILL)
            self.cgroup.wait_until_empty(_EMPTYING)
            self.cgroup.delete()
