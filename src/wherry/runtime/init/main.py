"""The first process of a container, from its fork to the user's program.

It is a fork of the caller: everything it needs is imported before, since after the change of root
the interpreter's files are out of reach. The steps follow runc's order, and the conversation
with the caller is drawn in `channel`.
"""

import os
import socket
from collections.abc import Callable
from contextlib import suppress

from wherry.linux import netlink
from wherry.linux.cgroup.manager import CgroupManager
from wherry.linux.namespaces import CloneFlag, join_namespace, unshare
from wherry.linux.netlink import RouteSocket
from wherry.linux.openat import opened
from wherry.linux.process import (
    PrctlOption,
    close_on_exec_from,
    close_other_descriptors,
    prctl,
    reset_signals,
)
from wherry.oci.runtime_spec import Process
from wherry.runtime.hooks import run_hooks
from wherry.runtime.init.channel import Channel, Kind, PeerGone, failure_facts
from wherry.runtime.init.console import mount_console, open_console
from wherry.runtime.init.passwd import home_of
from wherry.runtime.init.process import (
    Confinement,
    LabelFiles,
    assume_identity,
    confine,
    enter_working_directory,
    reopen_null,
    settle_in,
    verify_working_directory,
    write_oom_score,
)
from wherry.runtime.init.program import environment_of, find_program
from wherry.runtime.init.rootfs import (
    RootPlan,
    change_root_only,
    cut_off_from_host,
    enter_root,
    fill_root,
    mount_root,
    move_and_chroot,
    open_shared_sources,
    open_sources,
    pivot,
    restrict_root,
)
from wherry.runtime.init.steps import step
from wherry.runtime.init.sysctls import write_sysctls
from wherry.runtime.init.users import enter_user_namespace
from wherry.runtime.seccomp_agent import hand_over
from wherry.runtime.stdio import Stdio
from wherry.typed import NoReturn
from wherry.values import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class InitPlan:
    """What init works from, decided before the fork. Descriptors are the caller's."""

    root: RootPlan
    process: Process
    confinement: Confinement
    stdio: Stdio | None
    new_namespaces: int  # CloneFlags to unshare
    has_stage: bool = False  # of `users`, between the caller and init
    joined: tuple[tuple[int, int], ...] = ()  # (descriptor, CloneFlag)
    cgroup: CgroupManager | None = None  # to be entered before anything is made
    waits_for_network: bool = False  # settings of interfaces come after they are plugged in
    has_hooks: bool = False
    pivots: bool = True
    keeps_descriptors: int = 0  # beside the first three: --preserve-fds
    state: dict[str, object] | None = None  # for hooks that run in the container
    fifo: int | None = None  # where another process says START, when the caller does not stay


def run_init(plan: InitPlan, channel: Channel) -> NoReturn:
    """Become the container's first process. Returns by execve, or ends after telling why not."""

    def work() -> None:
        close_callers_descriptors(
            channel,
            plan.stdio,
            {
                *plan.root.sources.values(),
                *(descriptor for descriptor, _ in plan.joined),
                *(() if plan.fifo is None else (plan.fifo,)),
            },
            plan.keeps_descriptors,
        )
        os.umask(0)  # devices and mount points get the modes they are made with
        channel.expect(Kind.JOINED)
        enter_cgroup(plan.cgroup)
        write_oom_score(plan.process.oom_score_adj)
        labels = LabelFiles(plan.process)
        if plan.has_stage:
            enter_user_namespace(
                channel,
                joined=plan.joined,
                new=plan.new_namespaces,
                moves_clocks=bool(plan.root.spec.linux and plan.root.spec.linux.time_offsets),
                open_sources=lambda: open_sources(plan.root),
            )
        else:
            _enter_namespaces(plan)
        _put_up_loopback(plan)
        channel.send(Kind.NAMESPACES)
        terminal = _make_root(plan, channel)

        def run_start_hooks() -> None:
            hooks = plan.root.spec.hooks
            if hooks is not None and hooks.start_container:
                run_hooks("startContainer", hooks.start_container, _state(plan, "created"))

        def wait_for_start() -> None:
            if plan.fifo is None:
                channel.expect(Kind.START)
            else:
                channel.close()
                _wait_on_fifo(plan.fifo)
            run_start_hooks()

        become_program(plan.process, plan.confinement, labels, terminal, channel, wait_for_start)

    run_stage(work, channel)


def enter_cgroup(cgroup: CgroupManager | None, beside: int | None = None) -> None:
    """Move into the container's cgroup; by itself a process gets there fastest."""
    if cgroup is not None:
        with step("unable to apply cgroup configuration"):
            cgroup.enter(beside=beside)


def run_stage(work: Callable[[], None], channel: Channel) -> NoReturn:
    """Do `work`, which ends in execve; a failure is told to the caller, and the process ends."""
    try:
        work()
    except PeerGone:
        pass  # the caller died or gave up: nobody wants this process
    except BaseException as error:  # noqa: BLE001 - whatever it is, the caller reports it
        _tell(channel, error)
    finally:
        # This is a fork in the middle of the caller's program, which must not go on here.
        os._exit(1)


def _tell(channel: Channel, error: BaseException) -> None:
    facts = failure_facts(error, "")
    try:
        channel.send(Kind.FAILED, **facts)
    except (PeerGone, OSError):
        # The caller has gone, as one that leaves a FIFO does: stderr is all that is left.
        with suppress(OSError):
            os.write(2, f"{facts['message']}\n".encode())


def become_program(
    process: Process,
    confinement: Confinement,
    labels: LabelFiles,
    terminal: int | None,
    channel: Channel,
    wait_for_start: Callable[[], None],
) -> None:
    """Take on limits and identity, say READY and wait, be confined, and execute the program."""

    def warn(text: str) -> None:
        channel.send(Kind.WARNING, message=text)

    with step("error reopening /dev/null inside container"):
        reopen_null()
    settle_in(process, confinement, terminal, warn)
    environment = environment_of(process.env)
    environment.setdefault("HOME", home_of(process.user.uid))
    entered = enter_working_directory(process.cwd)
    final = assume_identity(process, confinement, warn)
    # A change of identity made it dumpable again, and our memory is the host's interpreter.
    prctl(PrctlOption.SET_DUMPABLE, 0)
    verify_working_directory(process.cwd, entered)
    program = find_program(process.args[0], environment)
    pass_on = hand_over(channel)
    if confinement.has_listener:
        # Before READY, after which the caller may go: it is needed for this.
        labels.write()
        confine(confinement, final, pass_on)
    channel.send(Kind.READY)
    wait_for_start()
    if not confinement.has_listener:
        labels.write()
        confine(confinement, final, pass_on)
    execute(program, process.args, environment)


def execute(program: str, words: tuple[str, ...], environment: dict[str, str]) -> None:
    """Replace this process; returns by raising the reason why that failed, in Go's words."""
    reset_signals()
    try:
        os.execve(program, words, environment)
    except OSError as error:
        with step(f"exec {program}"):
            raise OSError(error.errno, error.strerror) from None


def _wait_on_fifo(fifo: int) -> None:
    with step("waiting for start"), opened(fifo):
        os.read(fifo, 1)


def close_callers_descriptors(
    channel: Channel, stdio: Stdio | None, needed: set[int], kept: int
) -> None:
    """Put the standard descriptors in place and let go of everything else of the caller's.

    `kept` descriptors from 3 on are handed to the program, as --preserve-fds asks.
    """
    prctl(PrctlOption.SET_DUMPABLE, 0)
    os.setsid()
    if stdio is not None:
        # Copies first: one of them may lie where another belongs.
        copies = [os.dup(number) for number in (stdio.stdin, stdio.stdout, stdio.stderr)]
        for number, copy in enumerate(copies):
            os.dup2(copy, number, inheritable=True)
            os.close(copy)
    close_other_descriptors({0, 1, 2, *range(3, 3 + kept), channel.fileno(), *needed})
    close_on_exec_from(3 + kept)


def _enter_namespaces(plan: InitPlan) -> None:
    with step("joining namespaces"):
        for descriptor, flag in plan.joined:
            join_namespace(descriptor, flag)
            os.close(descriptor)
    with step("creating namespaces"):
        if plan.new_namespaces:
            unshare(plan.new_namespaces)


def _put_up_loopback(plan: InitPlan) -> None:
    if plan.new_namespaces & CloneFlag.NEWNET:
        with step("putting up the loopback interface"), RouteSocket() as route:
            route.request(netlink.set_link_up("lo"))


def _make_root(plan: InitPlan, channel: Channel) -> int | None:
    """Build the root, change into it; returns the terminal if the process is to have one."""
    spec = plan.root.spec
    linux = spec.linux
    private = bool(plan.new_namespaces & CloneFlag.NEWNS)
    _name_host(plan)
    if private:
        open_shared_sources(plan.root)
        cut_off_from_host(plan.root)
    with opened(mount_root(plan.root)) as root:
        fill_root(root, plan.root)
        terminal = _make_terminal(plan, channel, root)
        if plan.waits_for_network:
            channel.expect(Kind.CONNECTED)
        if linux is not None:
            with step("error writing sysctls"):
                write_sysctls(linux.sysctl)
        if plan.has_hooks:
            channel.send(Kind.HOOKS)
            channel.expect(Kind.CONTINUE)
        if spec.hooks is not None and spec.hooks.create_container:
            run_hooks("createContainer", spec.hooks.create_container, _state(plan, "creating"))
        restrict_root(root, plan.root)
        change = (pivot if plan.pivots else move_and_chroot) if private else change_root_only
        enter_root(root, plan.root, change)
    return terminal


def _state(plan: InitPlan, status: str) -> dict[str, object]:
    """What hooks in the container are told: the pid is the one they see."""
    return {**(plan.state or {}), "status": status, "pid": os.getpid()}


def _name_host(plan: InitPlan) -> None:
    spec = plan.root.spec
    if plan.new_namespaces & CloneFlag.NEWUTS:
        with step("error setting hostname"):
            if spec.hostname:
                socket.sethostname(spec.hostname)
            if spec.domainname:
                write_sysctls({"kernel.domainname": spec.domainname})


def _make_terminal(plan: InitPlan, channel: Channel, root: int) -> int | None:
    if not plan.process.terminal:
        return None
    with step("error creating console"):
        master, terminal = open_console(root, plan.process.console_size)
        mount_console(root, terminal)
        channel.send(Kind.CONSOLE, master)
        os.close(master)
    return terminal
