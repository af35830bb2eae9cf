"""Learning of out-of-memory kills without asking again and again.

v1 signals an eventfd that was registered with `memory.oom_control` (memory.txt, section 10), v2
modifies `memory.events`, which inotify reports (cgroup-v2.rst, "Memory Interface Files"). Both
wake for more than a kill (removal of the cgroup, reaching `max`), so the kernel's count decides.
"""

import contextlib
import os
from collections.abc import Callable

from wherry.linux.cgroup.files import read_table
from wherry.linux.inotify import Change, Inotify
from wherry.typed import Self


class OOMWatch:
    """Readable when something may have been killed; ask `acknowledge` whether it was."""

    def __init__(self, descriptor: int, count: Callable[[], int]) -> None:
        self._descriptor = descriptor
        self._count = count
        self.seen = count()  # what `acknowledge` has told of

    def fileno(self) -> int:
        return self._descriptor

    def acknowledge(self) -> bool:
        """Take the event off the descriptor; whether there was a kill since the last call."""
        with contextlib.suppress(BlockingIOError):
            os.read(self._descriptor, 4096)
        before, self.seen = self.seen, self._count()
        return self.seen > before

    def close(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()


def watch_v1(directory: str) -> OOMWatch:
    """Watch the memory cgroup at `directory`."""
    descriptor = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
    try:
        control = os.open(f"{directory}/memory.oom_control", os.O_RDONLY | os.O_CLOEXEC)
        try:
            registry = os.open(f"{directory}/cgroup.event_control", os.O_WRONLY | os.O_CLOEXEC)
            try:
                os.write(registry, f"{descriptor} {control}".encode())
            finally:
                os.close(registry)
        finally:
            os.close(control)
        return OOMWatch(descriptor, lambda: kill_count_v1(directory))
    except BaseException:
        os.close(descriptor)
        raise


def watch_v2(directory: str) -> OOMWatch:
    """Watch the v2 cgroup at `directory`."""
    inotify = Inotify()
    try:
        inotify.watch(f"{directory}/memory.events", Change.MODIFY)
        return OOMWatch(inotify.descriptor, lambda: kill_count_v2(directory))
    except BaseException:
        inotify.close()
        raise


def kill_count_v1(directory: str) -> int:
    return read_table(f"{directory}/memory.oom_control").get("oom_kill", 0)


def kill_count_v2(directory: str) -> int:
    return read_table(f"{directory}/memory.events").get("oom_kill", 0)
