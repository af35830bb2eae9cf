"""Making a container: from a configuration to a process that waits to become the user's program.

    created = create_container(id, spec, bundle=..., cgroup=..., stdio=..., on_namespaces=plug)
    created.start()          # returns when the program has been executed, or raises why not
    os.waitpid(created.pid)  # init is the caller's own child

The caller must have one thread: init is a fork of it that goes on in Python. PID and time
namespaces apply to children, so the caller makes them for itself just before the fork and goes
back to its own afterwards; all others are init's to make.
"""

import os
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from wherry.linux.cgroup.manager import CgroupManager
from wherry.linux.namespaces import CloneFlag, join_namespace, open_namespace, unshare
from wherry.linux.openat import opened
from wherry.linux.process import start_time
from wherry.oci.mount import Mount
from wherry.oci.runtime_spec import Linux, Namespace, Spec
from wherry.runtime.errors import ContainerStartFailed, InvalidSpec
from wherry.runtime.hooks import run_hooks
from wherry.runtime.init.channel import Channel, Kind, PeerGone, raised, reason_of
from wherry.runtime.init.main import InitPlan, run_init
from wherry.runtime.init.mounts import CgroupView
from wherry.runtime.init.process import Confinement
from wherry.runtime.init.rootfs import RootPlan
from wherry.runtime.init.sysctls import concerns_interfaces, sysctl_faults
from wherry.runtime.resources import limits_of
from wherry.runtime.seccomp import compile_filter, filter_flags
from wherry.runtime.stdio import Stdio

FLAG_OF = {
    "mount": CloneFlag.NEWNS,
    "pid": CloneFlag.NEWPID,
    "network": CloneFlag.NEWNET,
    "ipc": CloneFlag.NEWIPC,
    "uts": CloneFlag.NEWUTS,
    "cgroup": CloneFlag.NEWCGROUP,
    "time": CloneFlag.NEWTIME,
}
_OF_CHILDREN = CloneFlag.NEWPID | CloneFlag.NEWTIME


@dataclass(slots=True)
class Created:
    """A container whose init waits. The descriptors are the holder's to close."""

    id: str
    pid: int
    pidfd: int
    start_time: int  # field 22 of proc_pid_stat(5)
    console: int | None = None  # the controlling side of its terminal
    warnings: list[str] = field(default_factory=list)
    _channel: Channel | None = None

    def start(self) -> None:
        """Let init execute the program; raises ProgramNotRunnable or ContainerStartFailed.

        After a failure init has ended and been waited for.
        """
        channel = self._channel
        assert channel is not None, "started already"
        self._channel = None
        try:
            channel.send(Kind.START)
            message = channel.receive()
        except PeerGone:
            return  # the end of the conversation: the program runs, or ran
        finally:
            channel.close()
        self._reap()
        raise raised(message.facts)

    def abort(self) -> None:
        """End init, which has not been started, and wait for it."""
        if self._channel is not None:
            self._channel.close()
            self._channel = None
        with suppress(ProcessLookupError):
            signal.pidfd_send_signal(self.pidfd, signal.SIGKILL)
        self._reap()

    def _reap(self) -> None:
        with suppress(ChildProcessError):
            os.waitpid(self.pid, 0)


def create_container(
    container_id: str,
    spec: Spec,
    *,
    bundle: Path,
    cgroup: CgroupManager | None = None,
    stdio: Stdio | None = None,
    root_mounts: Sequence[Mount] = (),
    on_namespaces: Callable[[int], None] | None = None,
    seccomp_cache: Path | None = None,
    pivots: bool = True,
    keeps_descriptors: int = 0,
    fifo: Path | None = None,
) -> Created:
    """Make the container's processes, namespaces, cgroup and root; its program is not run yet.

    `root_mounts` make the root itself, inside the container's own mount namespace. While init
    mounts, `on_namespaces` is called with its pid, to plug in the network. `stdio` are descriptors
    of the caller; without them init has the caller's own, and with a terminal its terminal's.
    With a `fifo` init outlives the caller and waits until somebody reads from that.

    Raises InvalidSpec, ProgramNotRunnable, ContainerStartFailed, HookFailed, and what
    `on_namespaces` raises; nothing but the empty cgroup is left then.
    """
    check_spec(spec)
    assert spec.process is not None
    linux = spec.linux or Linux()
    if cgroup is not None:
        _prepare_cgroup(cgroup, linux)
    state: dict[str, object] = {
        "ociVersion": spec.oci_version,
        "id": container_id,
        "status": "creating",
        "bundle": str(bundle),
        "annotations": dict(spec.annotations),
    }
    with _joined_namespaces(linux.namespaces) as joined, _opened_fifo(fifo) as waits_on:
        new = _new_flags(linux.namespaces)
        plan = InitPlan(
            root=RootPlan(
                spec=spec,
                bundle=bundle,
                root_mounts=root_mounts,
                cgroup=_view_of(cgroup, new),
                in_user_namespace=False,
                sources={},
            ),
            process=spec.process,
            confinement=_confinement(linux, container_id, seccomp_cache),
            stdio=stdio,
            new_namespaces=new & ~_OF_CHILDREN,
            joined=tuple(pair for pair in joined if not pair[1] & _OF_CHILDREN),
            cgroup=cgroup,
            waits_for_network=on_namespaces is not None and concerns_interfaces(linux.sysctl),
            has_hooks=_has_hooks(spec),
            pivots=pivots,
            keeps_descriptors=keeps_descriptors,
            state={**state, "status": "created"},
            fifo=waits_on,
        )
        channel, pid = _fork_init(plan, new, joined, linux)
    created = Created(container_id, pid, -1, 0, _channel=channel)
    try:
        created.pidfd = os.pidfd_open(pid)
        created.start_time = start_time(pid)
        _accompany(created, channel, plan, on_namespaces, state)
    except PeerGone as error:
        give_up(created)
        raise ContainerStartFailed("", "the container's init ended unexpectedly") from error
    except BaseException:
        give_up(created)
        raise
    return created


def check_spec(spec: Spec) -> None:
    """Raise InvalidSpec for what no container can be made from, all faults together."""
    faults = []
    if spec.process is None or not spec.process.args:
        faults.append("process.args must not be empty")
    elif not spec.process.cwd.startswith("/"):
        faults.append(f"process.cwd must be an absolute path: {spec.process.cwd!r}")
    if spec.root is None:
        faults.append("root is missing")
    linux = spec.linux or Linux()
    kinds = [namespace.type for namespace in linux.namespaces]
    for kind in kinds:
        if kind == "user":
            faults.append("linux.namespaces: user namespaces are not supported yet")
        elif kind not in FLAG_OF:
            faults.append(f"linux.namespaces: {kind!r} is not a namespace")
    if len(set(kinds)) < len(kinds):
        faults.append("linux.namespaces: a type is listed twice")
    if spec.hostname and "uts" not in kinds:
        faults.append("unable to set hostname without a private UTS namespace")
    faults += sysctl_faults(linux.sysctl, kinds, hostname=spec.hostname)
    if faults:
        raise InvalidSpec(faults)


def _prepare_cgroup(cgroup: CgroupManager, linux: Linux) -> None:
    try:
        cgroup.create()
        if linux.resources is not None:
            cgroup.apply(limits_of(linux.resources))
    except OSError as error:
        with suppress(OSError):
            cgroup.delete()
        raise ContainerStartFailed(
            "unable to apply cgroup configuration", reason_of(error)
        ) from error


def _view_of(cgroup: CgroupManager | None, new: int) -> CgroupView | None:
    if cgroup is None:
        return None
    return CgroupView(
        version=cgroup.version,
        path=cgroup.path,
        directories=cgroup.paths,
        namespaced=bool(new & CloneFlag.NEWCGROUP),
    )


def _confinement(linux: Linux, container_id: str, cache: Path | None) -> Confinement:
    if linux.seccomp is None:
        return Confinement(keyring=f"_ses.{container_id}")
    return Confinement(
        seccomp=compile_filter(linux.seccomp, cache),
        seccomp_flags=filter_flags(linux.seccomp),
        keyring=f"_ses.{container_id}",
    )


def _has_hooks(spec: Spec) -> bool:
    return spec.hooks is not None and bool(spec.hooks.prestart or spec.hooks.create_runtime)


def _new_flags(namespaces: Sequence[Namespace]) -> int:
    flags = 0
    for namespace in namespaces:
        if not namespace.path:
            flags |= FLAG_OF[namespace.type]
    return flags


@contextmanager
def _joined_namespaces(namespaces: Sequence[Namespace]) -> Iterator[list[tuple[int, CloneFlag]]]:
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
def _opened_fifo(path: Path | None) -> Iterator[int | None]:
    if path is None:
        yield None
        return
    with opened(os.open(path, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC)) as descriptor:
        yield descriptor


def _fork_init(
    plan: InitPlan, new: int, joined: Sequence[tuple[int, CloneFlag]], linux: Linux
) -> tuple[Channel, int]:
    ours, theirs = Channel.pair()
    try:
        with _children_in(new, joined, linux):
            pid = os.fork() if plan.cgroup is None else plan.cgroup.fork()
            if pid == 0:
                ours.close()
                run_init(plan, theirs)
    except BaseException:
        ours.close()
        raise
    finally:
        theirs.close()
    return ours, pid


@contextmanager
def _children_in(new: int, joined: Sequence[tuple[int, CloneFlag]], linux: Linux) -> Iterator[None]:
    """Let children start in the PID and time namespaces that are asked for."""
    wanted = new & _OF_CHILDREN
    entered = [pair for pair in joined if pair[1] & _OF_CHILDREN]
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
            _set_time_offsets(linux)
        for descriptor, flag in entered:
            join_namespace(descriptor, flag)
        yield
    except OSError as error:
        raise ContainerStartFailed("creating namespaces", reason_of(error)) from error
    finally:
        for descriptor, flag in own:
            join_namespace(descriptor, flag)
            os.close(descriptor)


def _set_time_offsets(linux: Linux) -> None:
    text = "".join(
        f"{clock} {offset.secs} {offset.nanosecs}\n" for clock, offset in linux.time_offsets.items()
    )
    if text:
        path = "/proc/self/timens_offsets"
        with opened(os.open(path, os.O_WRONLY | os.O_CLOEXEC)) as file:
            os.write(file, text.encode())


def _accompany(
    created: Created,
    channel: Channel,
    plan: InitPlan,
    on_namespaces: Callable[[int], None] | None,
    state: dict[str, object],
) -> None:
    """Our side of the conversation, until init is ready."""
    hooks = plan.root.spec.hooks

    def answer(kind: Kind) -> None:
        if kind is Kind.NAMESPACES and on_namespaces is not None:
            on_namespaces(created.pid)
            if plan.waits_for_network:
                channel.send(Kind.CONNECTED)
        elif kind is Kind.HOOKS and hooks is not None:
            document = {**state, "pid": created.pid}
            run_hooks("prestart", hooks.prestart, document)
            run_hooks("createRuntime", hooks.create_runtime, document)
            channel.send(Kind.CONTINUE)

    follow_child(created, channel, answer)


def follow_child(
    created: Created, channel: Channel, answer: Callable[[Kind], None] = lambda _kind: None
) -> None:
    """Let the child go on, and listen until it is ready or has failed."""
    channel.send(Kind.JOINED)
    while True:
        message = channel.receive()
        match message.kind:
            case Kind.READY:
                return
            case Kind.FAILED:
                raise raised(message.facts)
            case Kind.CONSOLE:
                created.console = message.descriptors[0]
            case Kind.WARNING:
                created.warnings.append(message.facts["message"])
            case _:
                answer(message.kind)


def give_up(created: Created) -> None:
    """End the process and let go of what its holder would have had."""
    if created.pidfd >= 0:
        created.abort()
        os.close(created.pidfd)
    if created.console is not None:
        os.close(created.console)
