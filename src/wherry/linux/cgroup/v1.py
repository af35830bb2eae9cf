"""A container's cgroups under the v1 interface, and under v1 beside v2.

One directory per controller, all with the same path. On a hybrid machine the same path exists
in the v2 tree too: it has no controllers, but `cgroup.kill` there reaches every process at once
and `cgroup.events` tells when the last one is gone, which v1 cannot.
"""

import contextlib
import errno
import os
import signal as signals
import time
from pathlib import Path

from wherry.linux.cgroup import files, oom, unified, v1_limits
from wherry.linux.cgroup.hierarchies import UNIFIED, Hierarchies
from wherry.linux.cgroup.limits import Limits
from wherry.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from wherry.linux.cgroup.stats import Stats

_FREEZE_TIMEOUT = 10.0  # seconds; a process in uninterruptible sleep can hold it up
_KILL_FREEZE_TIMEOUT = 0.5


class V1Manager:
    version = 1

    def __init__(self, path: str, found: Hierarchies) -> None:
        self.path = path
        self._locations = found.locations_of(path)
        # "cpu" and "cpuacct" may be one mount, and so one directory.
        self._directories = list(dict.fromkeys(self._locations.values()))
        self._unified = self._locations.get(UNIFIED)

    @property
    def paths(self) -> dict[str, Path]:
        return {key: Path(location) for key, location in self._locations.items()}

    @property
    def exists(self) -> bool:
        return any(os.path.isdir(directory) for directory in self._directories)

    def create(self) -> None:
        for directory in self._directories:
            files.make_directory(directory)
        if "cpuset" in self._locations:
            _fill_cpuset(self._locations["cpuset"])

    def add(self, pid: int, *, beside: int | None = None) -> None:
        text = str(pid)
        for directory in self._directories:
            try:
                files.write(f"{directory}/cgroup.procs", text)
            except OSError as error:
                if directory != self._unified or beside is None or error.errno != errno.EBUSY:
                    raise
                unified.add_beside(self._unified, self.path, pid, beside)

    def fork(self, *, beside: int | None = None) -> int:
        return (
            os.fork() if self._unified is None else unified.fork(self._unified, self.path, beside)
        )

    def enter(self, *, beside: int | None = None) -> None:
        for directory in self._directories:
            if directory != self._unified:
                # A thread of one's own, by the number 0: nothing about it can change meanwhile.
                files.write(f"{directory}/tasks", "0")
        if self._unified is not None:
            unified.enter(self._unified, self.path, beside)

    def apply(self, limits: Limits) -> None:
        for write in v1_limits.writes(limits, v1_limits.reader_of(self._locations)):
            self._write(write)

    def _write(self, write: v1_limits.Write) -> None:
        directory = self._locations.get(write.controller)
        if directory is None:
            raise OSError(
                errno.EOPNOTSUPP,
                f"cannot set {write.controller} limit: no such controller is mounted",
                write.file,
            )
        try:
            files.write(f"{directory}/{write.file}", write.value)
        except FileNotFoundError:
            if not write.otherwise:
                raise
            files.write(f"{directory}/{write.otherwise}", write.value)
        except OSError as error:
            if error.errno == errno.EBUSY and write.file == "memory.limit_in_bytes":
                raise _limit_below_use(directory, write.value) from error
            raise

    def processes(self) -> list[int]:
        for key in ("devices", "freezer", "name=systemd", *self._locations):
            if key in self._locations and os.path.isdir(self._locations[key]):
                return files.process_ids(self._locations[key])
        return []

    def freeze(self) -> None:
        directory = self._locations.get("freezer")
        if directory is None:
            unified.freeze(self._need_unified(), _FREEZE_TIMEOUT)
            return
        state = f"{directory}/freezer.state"
        try:
            _freeze(state, _FREEZE_TIMEOUT)
        except OSError:
            files.write(state, "THAWED")  # not half frozen
            raise

    def thaw(self) -> None:
        if "freezer" in self._locations:
            files.write(f"{self._locations['freezer']}/freezer.state", "THAWED")
        else:
            unified.thaw(self._need_unified())

    @property
    def frozen(self) -> bool:
        directory = self._locations.get("freezer")
        try:
            if directory is None:
                return unified.is_frozen(self._need_unified())
            return files.read(f"{directory}/freezer.self_freezing") == "1"
        except FileNotFoundError:
            return False

    def signal_all(self, signal: int) -> None:
        if signal != signals.SIGKILL:
            unified.signal_each(self.processes(), signal)
            return
        try:
            if not self._killed_as_a_whole() and "freezer" in self._locations:
                # Nothing can fork while it is frozen, so one pass then reaches all. If it does
                # not freeze in time, what a fork bomb adds is left to the caller's next try.
                with contextlib.suppress(OSError):
                    _freeze(f"{self._locations['freezer']}/freezer.state", _KILL_FREEZE_TIMEOUT)
            unified.signal_each(self.processes(), signal)
        finally:
            with contextlib.suppress(FileNotFoundError):
                self.thaw()  # v1's freezer holds back even SIGKILL

    def _killed_as_a_whole(self) -> bool:
        if self._unified is None:
            return False
        try:
            files.write(f"{self._unified}/cgroup.kill", "1")  # Linux 5.14
        except FileNotFoundError:
            return False
        return True

    def wait_until_empty(self, timeout: float) -> bool:
        deadline = time.monotonic() + timeout
        if self._unified is not None and not unified.wait_until_empty(self._unified, timeout):
            return False
        return unified.wait_for_each(self.processes, deadline)

    def delete(self) -> None:
        failures = files.remove_directories(self._directories)
        if failures:
            raise failures[0]

    def stats(self) -> "Stats":
        from wherry.linux.cgroup.v1_stats import read_stats  # no start needs it

        return read_stats(self._locations)

    def watch_oom(self) -> oom.OOMWatch:
        return oom.watch_v1(self._location("memory"))

    def oom_kill_count(self) -> int:
        return oom.kill_count_v1(self._locations["memory"]) if "memory" in self._locations else 0

    def _location(self, controller: str) -> str:
        try:
            return self._locations[controller]
        except KeyError:
            text = f"no {controller} controller is mounted"
            raise OSError(errno.EOPNOTSUPP, text, self.path) from None

    def _need_unified(self) -> str:
        return self._location(UNIFIED) if self._unified is None else self._unified


def _limit_below_use(directory: str, limit: str) -> OSError:
    usage = files.read(f"{directory}/memory.usage_in_bytes")
    peak = files.read(f"{directory}/memory.max_usage_in_bytes")
    text = f"unable to set memory limit to {limit} (current usage: {usage}, peak usage: {peak})"
    return OSError(errno.EBUSY, text, f"{directory}/memory.limit_in_bytes")


def _freeze(state: str, timeout: float) -> None:
    """Write FROZEN until it is so: the kernel only finds out when asked (freezer-subsystem.rst)."""
    deadline = time.monotonic() + timeout
    pause = 0.00005
    while True:
        files.write(state, "FROZEN")
        if files.read(state) == "FROZEN":
            return
        if time.monotonic() > deadline:
            raise TimeoutError(errno.ETIMEDOUT, "unable to freeze", state)
        time.sleep(pause)
        pause = min(pause * 2, 0.01)


def _fill_cpuset(directory: str) -> None:
    """Give a new cpuset its parent's processors and memory nodes; empty, it takes no process."""
    for name in ("cpuset.cpus", "cpuset.mems"):
        if files.read(f"{directory}/{name}"):
            continue
        parent = os.path.dirname(directory)
        if not files.read(f"{parent}/{name}"):
            _fill_cpuset(parent)
            # From now on the kernel fills what is made in here; it is made for one container
            # after another.
            files.write(f"{parent}/cgroup.clone_children", "1")
        files.write(f"{directory}/{name}", files.read(f"{parent}/{name}"))
