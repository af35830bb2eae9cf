"""Namespaces of a configuration: those to make, those to join, and where children start."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from wherry.linux.namespaces import CloneFlag, join_namespace, open_namespace, unshare
from wherry.linux.openat import opened
from wherry.oci.runtime_spec import Linux, Namespace
from wherry.runtime.errors import ContainerStartFailed
from wherry.runtime.init.channel import reason_of

FLAG_OF = {
    "mount": CloneFlag.NEWNS,
    "pid": CloneFlag.NEWPID,
    "network": CloneFlag.NEWNET,
    "ipc": CloneFlag.NEWIPC,
    "uts": CloneFlag.NEWUTS,
    "user": CloneFlag.NEWUSER,
    "cgroup": CloneFlag.NEWCGROUP,
    "time": CloneFlag.NEWTIME,
}
OF_CHILDREN = CloneFlag.NEWPID | CloneFlag.NEWTIME


def new_flags(namespaces: Sequence[Namespace]) -> int:
    """The namespaces to make."""
    flags = 0
    for namespace in namespaces:
        if not namespace.path:
            flags |= FLAG_OF[namespace.type]
    return flags


@contextmanager
def joined_namespaces(namespaces: Sequence[Namespace]) -> Iterator[list[tuple[int, CloneFlag]]]:
    """Descriptors of the namespaces that exist already."""
    joined: list[tuple[int, CloneFlag]] = []
    try:
        for namespace in namespaces:
            if namespace.path:
                descriptor = os.open(namespace.path, os.O_RDONLY | os.O_CLOEXEC)
                joined.append((descriptor, FLAG_OF[namespace.type]))
        yield joined
    except FileNotFoundError as error:
        raise ContainerStartFailed("joining namespaces", reason_of(error)) from error
    finally:
        for descriptor, _ in joined:
            os.close(descriptor)


@contextmanager
def children_in(new: int, joined: Sequence[tuple[int, CloneFlag]], linux: Linux) -> Iterator[None]:
    """Let children start in the PID and time namespaces that are asked for."""
    wanted = new & OF_CHILDREN
    entered = [pair for pair in joined if pair[1] & OF_CHILDREN]
    flags = wanted
    for _, flag in entered:
        flags |= flag
    own = [
        (open_namespace("self", flag), flag)
        for flag in (CloneFlag.NEWPID, CloneFlag.NEWTIME)
        if flags & flag
    ]
    try:
        if wanted:
            unshare(wanted)
        if wanted & CloneFlag.NEWTIME:
            write_time_offsets("self", linux)
        for descriptor, flag in entered:
            join_namespace(descriptor, flag)
        yield
    except OSError as error:
        raise ContainerStartFailed("creating namespaces", reason_of(error)) from error
    finally:
        for descriptor, flag in own:
            join_namespace(descriptor, flag)
            os.close(descriptor)


def write_time_offsets(pid: int | str, linux: Linux) -> None:
    """Move the clocks of the time namespace that children of `pid` will be in."""
    text = "".join(
        f"{clock} {offset.secs} {offset.nanosecs}\n" for clock, offset in linux.time_offsets.items()
    )
    if text:
        path = f"/proc/{pid}/timens_offsets"
        with opened(os.open(path, os.O_WRONLY | os.O_CLOEXEC)) as file:
            os.write(file, text.encode())
