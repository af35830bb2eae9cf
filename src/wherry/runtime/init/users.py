"""The stage between the caller and an init that is in a user namespace.

The user namespace comes first, so that all others belong to it; it takes effect at once, while
those of processes and clocks are for children. So this process, the caller's child, enters them
all, forks init as its own sibling, says which that is (CHILD), and ends. Init, which the caller
would take for this process until then, says nothing before it is known (CONTINUE).

Trees of the host are opened before: the container's root may not reach them on its own.
"""

import os
from collections.abc import Callable, Sequence
from contextlib import suppress

from wherry.linux import capabilities
from wherry.linux.namespaces import CloneFlag, fork_sibling, join_namespace, unshare
from wherry.linux.process import PrctlOption, prctl
from wherry.runtime.init.channel import Channel, Kind
from wherry.runtime.init.steps import step


def enter_user_namespace(
    channel: Channel,
    *,
    joined: Sequence[tuple[int, int]],
    new: int,
    moves_clocks: bool,
    open_sources: Callable[[], None],
) -> None:
    """Return in a new process, which is in all of the namespaces; the one that called ends."""
    if capabilities.current().effective & capabilities.SYS_ADMIN:
        open_sources()
    with step("joining namespaces"):
        # A namespace may belong to the user namespace that is left, or to the one that is entered.
        others = [pair for pair in joined if not pair[1] & CloneFlag.NEWUSER]
        later = [pair for pair in others if not _joins(*pair)]
        for descriptor, flag in joined:
            if flag & CloneFlag.NEWUSER:
                join_namespace(descriptor, flag)
    if new & CloneFlag.NEWUSER:
        with step("creating user namespace"):
            unshare(CloneFlag.NEWUSER)
        _be_seen(channel, Kind.MAP)
    become_root()
    with step("joining namespaces"):
        for descriptor, flag in later:
            join_namespace(descriptor, flag)
    with step("creating namespaces"):
        unshare(new & ~CloneFlag.NEWUSER)
    if moves_clocks:
        _be_seen(channel, Kind.CLOCKS)
    for descriptor, _ in joined:
        os.close(descriptor)
    go_on_as_sibling(channel)


def _joins(descriptor: int, flag: int) -> bool:
    try:
        join_namespace(descriptor, flag)
    except PermissionError:
        return False
    return True


def _be_seen(channel: Channel, kind: Kind) -> None:
    """Let the caller write to this process's files in /proc, which are root's otherwise.

    Nobody else can: this process has not been in any namespace of processes but the caller's.
    """
    prctl(PrctlOption.SET_DUMPABLE, 1)
    channel.send(kind)
    channel.expect(Kind.CONTINUE)
    prctl(PrctlOption.SET_DUMPABLE, 0)


def become_root() -> None:
    """Be user 0 of the user namespace just entered, if it has one."""
    with suppress(OSError):
        os.setresgid(0, 0, 0)
    with suppress(OSError):
        os.setresuid(0, 0, 0)


def go_on_as_sibling(channel: Channel) -> None:
    """Go on in a new child of the caller, which is in the namespaces for children."""
    with step("creating the container's init"):
        child = fork_sibling()
    if child:
        channel.send(Kind.CHILD, pid=child)
        os._exit(0)
    channel.expect(Kind.CONTINUE)
    os.setsid()
    prctl(PrctlOption.SET_DUMPABLE, 0)
