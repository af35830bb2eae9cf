"""Out of the control group of whoever asked: its end or limits are not for containers."""

import os

from wherry.linux.cgroup.manager import open_manager

CGROUP = "/wherry-shims"


def fork_outside() -> int:
    """Fork a child for a request; born outside of the caller's control group if that can be.

    To move there takes the kernel ten milliseconds and more where the v2 tree is mounted.
    """
    try:
        manager = open_manager(CGROUP)
        manager.create()
        return manager.fork()
    except OSError:
        return os.fork()


def leave_callers_cgroup() -> None:
    """Move out of the caller's control group."""
    try:
        manager = open_manager(CGROUP)
        manager.create()
        manager.enter()
    except OSError:  # without the right to: a user's own launcher stays where it is
        return
