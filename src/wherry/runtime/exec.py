"""Putting another process into a running container.

The caller must have one thread, as for `create`: the child is a fork of it.
"""

import errno
import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

from wherry.linux.cgroup.manager import CgroupManager
from wherry.linux.idmap import in_first_user_namespace
from wherry.linux.namespaces import FILES, CloneFlag, join_namespace, open_namespace
from wherry.linux.openat import opened
from wherry.linux.process import open_process
from wherry.oci.runtime_spec import MemoryPolicy, Personality, Process, Seccomp
from wherry.runtime.check import check_process
from wherry.runtime.create import Created, follow_child, give_up, pass_on_listener
from wherry.runtime.errors import ContainerNotRunning, ContainerStartFailed
from wherry.runtime.init.channel import Channel, Kind, Message, PeerGone, reason_of
from wherry.runtime.init.join import JoinPlan, run_join
from wherry.runtime.init.process import Confinement, rehearse_identity
from wherry.runtime.namespaces import OF_CHILDREN
from wherry.runtime.seccomp import compile_filter, filter_flags
from wherry.runtime.stdio import Stdio
from wherry.values import replace


def exec_process(
    pid: int,
    started: int,
    process: Process,
    *,
    cgroup: CgroupManager | None = None,
    seccomp: Seccomp | None = None,
    personality: Personality | None = None,
    memory_policy: MemoryPolicy | None = None,
    stdio: Stdio | None = None,
    seccomp_cache: Path | None = None,
    keeps_descriptors: int = 0,
    state: Mapping[str, object],
) -> Created:
    """Run `process` in the container whose first process is `pid`, started at `started` ticks.

    `state` is the container's, for an agent that its seccomp filter has notified.
    Returns when the program has been executed; the process is a child of the caller. Raises
    ContainerNotRunning, ProgramNotRunnable and ContainerStartFailed.
    """
    try:
        pidfd = open_process(pid, started)
    except ProcessLookupError as error:
        raise ContainerNotRunning from error
    confinement = replace(
        _confinement(seccomp, seccomp_cache), personality=personality, memory_policy=memory_policy
    )
    with opened(pidfd):
        check_process(process)
        namespaces = _namespaces_to_join(pid)
        # A user namespace is entered first, and then all that belong to it by the child itself;
        # so are all others by who is in one, and would not get back into its own.
        beside = not namespaces & CloneFlag.NEWUSER and in_first_user_namespace()
        plan = JoinPlan(
            pidfd=pidfd,
            namespaces=namespaces & ~OF_CHILDREN if beside else namespaces,
            process=process,
            confinement=confinement,
            stdio=stdio,
            keeps_descriptors=keeps_descriptors,
            cgroup=cgroup,
            beside=pid,
        )
        channel, child = _fork_into(plan, namespaces & OF_CHILDREN if beside else 0)
    created = Created(str(pid), child, -1, _channel=channel)

    def answer(message: Message) -> None:
        if message.kind is Kind.LISTENER and seccomp is not None:
            pass_on_listener(created, channel, message, seccomp, state)

    try:
        created.identify(child)
        follow_child(created, channel, answer)
    except PeerGone as error:
        give_up(created)
        raise ContainerNotRunning from error
    except BaseException:
        give_up(created)
        raise
    try:
        created.await_program()
    except BaseException:
        give_up(created)
        raise
    return created


def rehearse_exec(process: Process, seccomp: Seccomp | None, seccomp_cache: Path) -> None:
    """Go over what `exec_process` will, so that its memory is this process's own by then."""
    check_process(process)
    rehearse_identity(process)
    _namespaces_to_join(os.getpid())
    in_first_user_namespace()
    _confinement(seccomp, seccomp_cache)
    ours, theirs = Channel.pair()
    theirs.send(Kind.READY)
    ours.receive()
    ours.close()
    theirs.close()


def _confinement(seccomp: Seccomp | None, cache: Path | None) -> Confinement:
    if seccomp is None:
        return Confinement()
    return Confinement(seccomp=compile_filter(seccomp, cache), seccomp_flags=filter_flags(seccomp))


def _namespaces_to_join(pid: int) -> int:
    """The kinds of namespaces in which `pid` is elsewhere than this process."""
    flags = 0
    for flag, name in FILES.items():
        # What the links say is as good as where they lead, and takes half the time.
        try:
            theirs = os.readlink(f"/proc/{pid}/ns/{name}")
        except (FileNotFoundError, ProcessLookupError) as error:
            raise ContainerNotRunning from error  # one that has ended is in none any more
        if theirs != os.readlink(f"/proc/self/ns/{name}"):
            flags |= flag
    # The root of a container without a mount namespace of its own is changed all the same.
    return flags | CloneFlag.NEWNS


def _fork_into(plan: JoinPlan, of_children: int) -> tuple[Channel, int]:
    ours, theirs = Channel.pair()
    try:
        with _children_beside(plan.pidfd, of_children):
            child = os.fork() if plan.cgroup is None else plan.cgroup.fork(beside=plan.beside)
            if child == 0:
                ours.close()
                run_join(plan, theirs)
    except BaseException:
        ours.close()
        raise
    finally:
        theirs.close()
    return ours, child


@contextmanager
def _children_beside(pidfd: int, flags: int) -> Iterator[None]:
    """Let children start in these namespaces (PID, time) of the process that `pidfd` is of."""
    if not flags:
        yield
        return
    with ExitStack() as stack:
        own = [
            (stack.enter_context(opened(open_namespace("self", flag))), flag)
            for flag in (CloneFlag.NEWPID, CloneFlag.NEWTIME)
            if flag & flags
        ]
        try:
            join_namespace(pidfd, flags)
        except OSError as error:
            if error.errno == errno.ESRCH:
                raise ContainerNotRunning from error
            raise ContainerStartFailed("joining namespaces", reason_of(error)) from error
        try:
            yield
        except OSError as error:
            # A PID namespace whose first process has ended takes nobody in: ENOMEM, fork(2).
            if error.errno == errno.ENOMEM:
                raise ContainerNotRunning from error
            raise
        finally:
            for descriptor, flag in own:
                join_namespace(descriptor, flag)
