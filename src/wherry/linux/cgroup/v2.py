"""A container's cgroup under the v2 interface (Documentation/admin-guide/cgroup-v2.rst).

Two rules of the kernel shape this. A cgroup hands controllers to its children only once it says
so in `cgroup.subtree_control`, at every level. And one that does may hold no processes itself
("no internal processes"), so a process that joins a container whose init has made children goes
where init is.
"""

import contextlib
import errno
import os
import signal as signals
import time
from pathlib import Path

from wherry.linux.cgroup import device_filter, files, oom, unified, v2_limits
from wherry.linux.cgroup.hierarchies import UNIFIED, Hierarchies
from wherry.linux.cgroup.limits import Limits
from wherry.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from wherry.linux.cgroup.stats import Stats

_FREEZE_TIMEOUT = 10.0  # seconds; a process in uninterruptible sleep can hold it up


class V2Manager:
    version = 2

    def __init__(self, path: str, found: Hierarchies) -> None:
        self.path = path
        self._mount = found.mounts[UNIFIED]
        self._directory = found.locations_of(path)[UNIFIED]

    @property
    def paths(self) -> dict[str, Path]:
        return {UNIFIED: Path(self._directory)}

    @property
    def exists(self) -> bool:
        return os.path.isdir(self._directory)

    def create(self) -> None:
        _make(self._directory, self._mount)

    def add(self, pid: int, *, beside: int | None = None) -> None:
        try:
            files.write(f"{self._directory}/cgroup.procs", str(pid))
        except OSError as error:
            if beside is None or error.errno != errno.EBUSY:
                raise
            path = self._directory.removeprefix(self._mount)
            unified.add_beside(self._directory, path, pid, beside)

    def fork(self, *, beside: int | None = None) -> int:
        return unified.fork(self._directory, self._directory.removeprefix(self._mount), beside)

    def enter(self, *, beside: int | None = None) -> None:
        unified.enter(self._directory, self._directory.removeprefix(self._mount), beside)

    def apply(self, limits: Limits) -> None:
        for write in v2_limits.writes(limits, self._read):
            self._write(write)
        # Last: without CAP_BPF in the first user namespace it is refused, and all else is set.
        if limits.devices is not None:
            device_filter.attach(self._directory, limits.devices)

    def _read(self, file: str) -> str:
        return files.read(f"{self._directory}/{file}")

    def _write(self, write: v2_limits.Write) -> None:
        try:
            files.write(f"{self._directory}/{write.file}", write.value)
        except FileNotFoundError as error:
            if write.optional:
                return
            controller = write.file.partition(".")[0]
            if self.exists and controller not in self._controllers():
                error.strerror = f'controller "{controller}" not available'
            raise

    def _controllers(self) -> list[str]:
        return [*self._read("cgroup.controllers").split(), "cgroup"]

    def processes(self) -> list[int]:
        return files.process_ids(self._directory)

    def freeze(self) -> None:
        unified.freeze(self._directory, _FREEZE_TIMEOUT)

    def thaw(self) -> None:
        unified.thaw(self._directory)

    @property
    def frozen(self) -> bool:
        try:
            return unified.is_frozen(self._directory)
        except FileNotFoundError:
            return False

    def signal_all(self, signal: int) -> None:
        if signal == signals.SIGKILL:
            try:
                files.write(f"{self._directory}/cgroup.kill", "1")
            except FileNotFoundError:
                if self.exists:  # before Linux 5.14
                    self._kill_frozen()
        else:
            unified.signal_each(self.processes(), signal)

    def _kill_frozen(self) -> None:
        # Nothing forks while frozen, so one pass reaches all; SIGKILL ends frozen ones too.
        with contextlib.suppress(TimeoutError):
            self.freeze()
        try:
            unified.signal_each(self.processes(), signals.SIGKILL)
        finally:
            self.thaw()

    def wait_until_empty(self, timeout: float) -> bool:
        deadline = time.monotonic() + timeout
        return unified.wait_until_empty(self._directory, max(0.0, deadline - time.monotonic()))

    def delete(self) -> None:
        failures = files.remove_directories([self._directory])
        if failures:
            raise failures[0]

    def stats(self) -> "Stats":
        from wherry.linux.cgroup.v2_stats import read_stats  # no start needs it

        return read_stats(self._directory)

    def watch_oom(self) -> oom.OOMWatch:
        return oom.watch_v2(self._directory)

    def oom_kill_count(self) -> int:
        return oom.kill_count_v2(self._directory)


def _make(directory: str, mount: str) -> None:
    """Make `directory`, with every controller that its parents may hand down."""
    if directory == mount:
        return
    parent = os.path.dirname(directory)
    if not os.path.isdir(parent):
        _make(parent, mount)
    # Asked for each time: another's clean-up may have made the parent anew.
    _hand_down(parent)
    # Below a threaded cgroup a new one is of no use until it is threaded too.
    if files.make_directory(directory) and _type_of(directory) == "domain invalid":
        files.write(f"{directory}/cgroup.type", "threaded")


def _type_of(directory: str) -> str:
    return files.read(f"{directory}/cgroup.type")


def _hand_down(parent: str) -> None:
    available = set(files.read(f"{parent}/cgroup.controllers").split())
    wanted = available.difference(files.read(f"{parent}/cgroup.subtree_control").split())
    if not wanted:
        return
    try:
        files.write(f"{parent}/cgroup.subtree_control", " ".join(f"+{c}" for c in sorted(wanted)))
    except OSError as error:
        if error.errno == errno.EBUSY:
            # It has processes. The controllers that work on threads could still be had, at the
            # price of making it and all below threaded, where memory limits end.
            return
        # One that cannot go (domain controllers below a threaded cgroup, cpu with real-time
        # processes) keeps back the rest. Whatever is missing in the end is named by `apply`,
        # if a limit needs it.
        for controller in sorted(wanted):
            with contextlib.suppress(OSError):
                files.write(f"{parent}/cgroup.subtree_control", f"+{controller}")
