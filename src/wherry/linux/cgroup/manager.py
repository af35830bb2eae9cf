"""One container's cgroup, whichever interface the kernel offers.

A container's cgroup has one path, as in `/wherry/<id>`. On v2 that is one directory; on v1 it is
one below each controller's mount; on a hybrid machine one more below the v2 mount, which carries
no controller but is killed and watched as a whole.

    create -> apply -> add(pid) ... stats, freeze, apply again ... signal_all -> delete

The mounts are found once per process and remembered. Nothing here holds a descriptor open but
the watch for out-of-memory kills, which its owner closes.
"""

from collections.abc import Collection
from pathlib import Path

from wherry.linux.cgroup.hierarchies import Hierarchies, hierarchies
from wherry.linux.cgroup.limits import Limits
from wherry.linux.cgroup.oom import OOMWatch
from wherry.linux.cgroup.paths import checked_path
from wherry.typed import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from wherry.linux.cgroup.stats import Stats


class CgroupManager(Protocol):
    """A cgroup by its path. Operations raise OSError with the file as its filename."""

    @property
    def version(self) -> int:
        """1 (also on a hybrid machine) or 2."""

    @property
    def path(self) -> str:
        """The path below each mount, as in `/wherry/<id>`."""

    @property
    def paths(self) -> dict[str, Path]:
        """The directory per controller; on v2 the only key is ''. The keys are runc's."""

    @property
    def exists(self) -> bool: ...

    def create(self) -> None:
        """Make the directories that are missing; v1's cpusets are filled from above."""

    def add(self, pid: int, *, beside: int | None = None) -> None:
        """Move process `pid` in. Where the cgroup may hold no processes of its own (v2, once the
        container has made children), into the cgroup of process `beside` instead."""

    def fork(self, *, beside: int | None = None) -> int:
        """As os.fork, but the child, which must call `enter` first of all, ends up inside;
        `beside` as for `add`. Only for a process with one thread.

        Many times faster than moving the child afterwards: for that the kernel keeps all forks
        and exits still, which waits for a grace period of RCU in each hierarchy.
        """

    def enter(self, *, beside: int | None = None) -> None:
        """Move this process, which has one thread, to wherever `fork` could not have it born."""

    def apply(self, limits: Limits) -> None:
        """Set what `limits` names and leave the rest; also how a running container is updated."""

    def processes(self) -> list[int]:
        """The ids of all processes inside, those of child cgroups included."""

    def freeze(self) -> None:
        """Stop every process, and return when they stand still."""

    def thaw(self) -> None: ...

    @property
    def frozen(self) -> bool: ...

    def signal_all(self, signal: int) -> None:
        """Send `signal` to every process inside; SIGKILL also reaches those forked meanwhile
        and those that are frozen. Does not wait for them to end: see `wait_until_empty`."""

    def wait_until_empty(self, timeout: float) -> bool:
        """Whether no process is left, waiting for that at most `timeout` seconds."""

    def delete(self) -> None:
        """Remove the directories, children first. All are tried; what cannot go (EBUSY, a process
        is left) is raised at the end. A cgroup that does not exist is no error."""

    def stats(self) -> "Stats": ...

    def watch_oom(self) -> OOMWatch:
        """A descriptor that becomes readable at an out-of-memory kill; the caller closes it."""

    def oom_kill_count(self) -> int:
        """How many processes the kernel has killed for want of memory in here."""


def open_manager(path: str, found: Hierarchies | None = None) -> CgroupManager:
    """The manager of the cgroup `path`, which need not exist yet.

    An absolute path is below the root of every mount, a relative one below this process's own
    cgroup, as in runc. A systemd-style "slice:prefix:name" is placed where systemd would put
    that scope. A path with `..` is refused with ValueError.
    """
    found = found or hierarchies()
    path = checked_path(path)
    # No machine needs both.
    if found.version == 2:
        from wherry.linux.cgroup.v2 import V2Manager

        return V2Manager(path, found)
    from wherry.linux.cgroup.v1 import V1Manager

    return V1Manager(path, found)


def list_orphans(parent: str, live_ids: Collection[str]) -> list[str]:
    """The paths of cgroups directly below `parent`, in any hierarchy, whose name is not live."""
    found = hierarchies()
    names: set[str] = set()
    parent = checked_path(parent)
    for directory in found.directories_of(parent).values():
        try:
            names.update(entry.name for entry in directory.iterdir() if entry.is_dir())
        except FileNotFoundError:
            continue
    return [f"{parent}/{name}" for name in sorted(names.difference(live_ids))]
