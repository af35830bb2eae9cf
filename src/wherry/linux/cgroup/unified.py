"""What one directory of the v2 tree can do, with or without controllers.

Used by both managers: on a hybrid machine the v2 tree carries no controllers, yet freezes, kills
and reports like any (cgroup-v2.rst, "Core Interface Files").
"""

import contextlib
import errno
import os
import select
import time
from collections.abc import Callable
from pathlib import Path

from wherry.linux.cgroup import files
from wherry.linux.namespaces import fork_into


def freeze(directory: str, timeout: float) -> None:
    """Freeze everything inside and wait for it at most `timeout` seconds, or raise TimeoutError."""
    files.write(f"{directory}/cgroup.freeze", "1")
    if not _wait_for_event(directory, "frozen", 1, timeout):
        files.write(f"{directory}/cgroup.freeze", "0")
        raise TimeoutError(errno.ETIMEDOUT, "unable to freeze", directory)


def thaw(directory: str) -> None:
    files.write(f"{directory}/cgroup.freeze", "0")


def is_frozen(directory: str) -> bool:
    return files.read(f"{directory}/cgroup.freeze") == "1"


def wait_until_empty(directory: str, timeout: float) -> bool:
    """Whether no process is left within `timeout` seconds; a missing cgroup has none."""
    try:
        return _wait_for_event(directory, "populated", 0, timeout)
    except FileNotFoundError:
        return True


def _wait_for_event(directory: str, key: str, value: int, timeout: float) -> bool:
    # A change of cgroup.events wakes poll with POLLPRI; it has to be read again each time.
    deadline = time.monotonic() + timeout
    descriptor = os.open(f"{directory}/cgroup.events", os.O_RDONLY | os.O_CLOEXEC)
    try:
        poll = select.poll()
        poll.register(descriptor, select.POLLPRI)
        while True:
            try:
                text = os.pread(descriptor, 4096, 0).decode()
            except OSError as error:
                if error.errno == errno.ENODEV:  # removed
                    return key == "populated"
                raise
            if f"{key} {value}" in text.splitlines():
                return True
            remaining = deadline - time.monotonic()
            if remaining <= 0:
                return False
            poll.poll(remaining * 1000)
    finally:
        os.close(descriptor)


def fork(directory: str, path: str, beside: int | None) -> int:
    """Fork a child into the cgroup at `directory`, or to where process `beside` is.

    Where the kernel does not do that, the child is left to `enter`.
    """
    try:
        return _fork_at(directory)
    except OSError as error:
        if error.errno == errno.EBUSY and beside is not None:
            return _fork_at(_directory_of(directory, path, beside))
        if error.errno not in _NOT_BORN_THERE:
            raise
    return os.fork()


# An older kernel, a filter that does not know clone3(2), a cgroup that takes nobody in this way.
_NOT_BORN_THERE = (errno.ENOSYS, errno.EINVAL, errno.EPERM, errno.EACCES, errno.EOPNOTSUPP)


def _fork_at(directory: str) -> int:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    child = -1
    try:
        child = fork_into(descriptor)
    finally:
        os.close(descriptor)
    return child


def enter(directory: str, path: str, beside: int | None) -> None:
    """Be in the cgroup at `directory`, or where process `beside` is, unless born there."""
    own = _own_path("self")
    if own == path or own.startswith(f"{path}/"):
        return
    try:
        files.write(f"{directory}/cgroup.procs", "0")
    except OSError as error:
        if beside is None or error.errno != errno.EBUSY:
            raise
        add_beside(directory, path, 0, beside)


def add_beside(directory: str, path: str, pid: int, beside: int) -> None:
    """Put `pid` (0: this one) into the cgroup of `beside`, which must be `path` or below it."""
    files.write(f"{_directory_of(directory, path, beside)}/cgroup.procs", str(pid))


def _directory_of(directory: str, path: str, pid: int) -> str:
    """The directory of the cgroup that `pid` is in, which must be `path` or below it."""
    own = _own_path(pid)
    below = own.removeprefix(path)
    if below == own or (below and not below.startswith("/")) or ".." in below.split("/"):
        raise OSError(errno.EBUSY, f"process {pid} is in {own or 'no cgroup'}", directory)
    return directory + below


def _own_path(pid: int | str) -> str:
    with open(f"/proc/{pid}/cgroup", encoding="utf-8", errors="surrogateescape") as lines:
        return next((line[3:].rstrip("\n") for line in lines if line.startswith("0::")), "")


def delegate(directory: Path, owner: int) -> None:
    """Let user `owner` make cgroups below and move processes between them, cgroups(7)."""
    os.chown(directory, owner, -1)
    try:
        names = Path("/sys/kernel/cgroup/delegate").read_text().split()
    except FileNotFoundError:  # before Linux 4.15
        names = ["cgroup.procs", "cgroup.subtree_control", "cgroup.threads"]
    for name in names:
        with contextlib.suppress(FileNotFoundError):
            os.chown(directory / name, owner, -1)


def signal_each(pids: list[int], signal: int) -> None:
    """Send `signal` to each process that still is there."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal)


def wait_for_each(processes: Callable[[], list[int]], deadline: float) -> bool:
    """Whether `processes` came out empty before `deadline` (time.monotonic)."""
    while pids := processes():
        for pid in pids:
            if not _wait_for_process(pid, deadline):
                return False
        if time.monotonic() > deadline:
            return not processes()
    return True


def _wait_for_process(pid: int, deadline: float) -> bool:
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        poll = select.poll()
        poll.register(descriptor, select.POLLIN)
        return bool(poll.poll(max(0.0, deadline - time.monotonic()) * 1000))
    finally:
        os.close(descriptor)
