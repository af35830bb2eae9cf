"""Making a container: from a configuration to a process that waits to become the user's program.

    created = create_container(id, spec, bundle=..., cgroup=..., stdio=..., on_namespaces=plug)
    created.start()          # returns when the program has been executed, or raises why not
    os.waitpid(created.pid)  # init is the caller's own child

The caller must have one thread: init is a fork of it that goes on in Python. PID and time
namespaces apply to children, so the caller makes them for itself just before the fork and goes
back to its own afterwards; all others are init's to make. With a user namespace, which all others
belong to, there is a stage between: see `init.users`.
"""

import os
import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path

from wherry.errors import WherryError
from wherry.linux.cgroup.hierarchies import UNIFIED, hierarchies
from wherry.linux.cgroup.manager import CgroupManager
from wherry.linux.cgroup.unified import delegate
from wherry.linux.idmap import in_first_user_namespace
from wherry.linux.namespaces import CloneFlag
from wherry.linux.openat import opened
from wherry.linux.process import start_time
from wherry.oci.mount import Mount
from wherry.oci.runtime_spec import Linux, Seccomp, Spec
from wherry.runtime.check import check_spec, unknown_capabilities
from wherry.runtime.errors import ContainerStartFailed
from wherry.runtime.hooks import run_hooks
from wherry.runtime.id_maps import host_id_of_root, write_id_maps
from wherry.runtime.init.channel import Channel, Kind, Message, PeerGone, raised, reason_of
from wherry.runtime.init.main import InitPlan, run_init
from wherry.runtime.init.mounts import CgroupView
from wherry.runtime.init.process import Confinement
from wherry.runtime.init.rootfs import RootPlan
from wherry.runtime.init.sysctls import concerns_interfaces
from wherry.runtime.namespaces import (
    OF_CHILDREN,
    children_in,
    joined_namespaces,
    new_flags,
    write_time_offsets,
)
from wherry.runtime.net_devices import move_devices
from wherry.runtime.resources import limits_of
from wherry.runtime.seccomp import compile_filter, filter_flags
from wherry.runtime.seccomp_agent import tell_agent
from wherry.runtime.stdio import Stdio
from wherry.values import dataclass, field


@dataclass(slots=True)
class Created:
    """A container whose init waits. The descriptors are the holder's to close."""

    id: str
    pid: int
    pidfd: int
    console: int | None = None  # the controlling side of its terminal
    warnings: list[str] = field(default_factory=list)
    _channel: Channel | None = None

    @property
    def start_time(self) -> int:
        """Field 22 of proc_pid_stat(5), of a process that has not been waited for."""
        return start_time(self.pid)

    def start(self) -> None:
        """Let init execute the program; raises ProgramNotRunnable or ContainerStartFailed.

        After a failure init has ended and been waited for.
        """
        assert self._channel is not None, "started already"
        with suppress(PeerGone):
            self._channel.send(Kind.START)
        self.await_program()

    def await_program(self) -> None:
        """Wait until the process, which is ready, has executed its program; raises as `start`."""
        channel = self._channel
        assert channel is not None, "started already"
        self._channel = None
        try:
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

    def identify(self, pid: int) -> None:
        """Take `pid`, a child that has not been waited for, as the container's first process."""
        if self.pidfd >= 0:
            os.close(self.pidfd)
        self.pid, self.pidfd = pid, os.pidfd_open(pid)

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
    new_keyring: bool = True,
    keeps_descriptors: int = 0,
    fifo: Path | None = None,
) -> Created:
    """Make the container's processes, namespaces, cgroup and root; its program is not run yet.

    `root_mounts` make the root itself, inside the container's own mount namespace. While init
    mounts, `on_namespaces` is called with its pid, to plug in the network. `stdio` are descriptors
    of the caller; without them init has the caller's own, and with a terminal its terminal's.
    With a `fifo` init outlives the caller and waits until somebody writes to that.

    Raises InvalidSpec, ProgramNotRunnable, ContainerStartFailed, HookFailed, and what
    `on_namespaces` raises; nothing but the empty cgroup is left then.
    """
    check_spec(spec)
    assert spec.process is not None
    linux = spec.linux or Linux()
    if cgroup is not None:
        _prepare_cgroup(cgroup, linux)
        _hand_over_cgroup(cgroup, spec, linux)
    state: dict[str, object] = {
        "ociVersion": spec.oci_version,
        "id": container_id,
        "status": "creating",
        "bundle": str(bundle),
        "annotations": dict(spec.annotations),
    }
    with joined_namespaces(linux.namespaces) as joined, _opened_fifo(fifo) as waits_on:
        new = new_flags(linux.namespaces)
        users = any(one.type == "user" for one in linux.namespaces)
        in_user_namespace = users or not in_first_user_namespace()
        # Those of children come with the fork, unless they must belong to a user namespace, or
        # this process is in one and so would not get back into its own.
        own_to_enter = ~0 if in_user_namespace else ~OF_CHILDREN
        plan = InitPlan(
            root=RootPlan(
                spec=spec,
                bundle=bundle,
                root_mounts=root_mounts,
                cgroup=_view_of(cgroup, new),
                in_user_namespace=in_user_namespace,
                sources={},
            ),
            process=spec.process,
            confinement=_confinement(
                linux, f"_ses.{container_id}" if new_keyring else "", seccomp_cache
            ),
            stdio=stdio,
            has_stage=in_user_namespace,
            new_namespaces=new & own_to_enter,
            joined=tuple(pair for pair in joined if pair[1] & own_to_enter),
            cgroup=cgroup,
            waits_for_network=bool(linux.net_devices)
            or (on_namespaces is not None and concerns_interfaces(linux.sysctl)),
            has_hooks=_has_hooks(spec),
            pivots=pivots,
            keeps_descriptors=keeps_descriptors,
            state=state,
            fifo=waits_on,
        )
        channel, pid = _fork_init(plan, new, joined, linux)
    created = Created(container_id, pid, -1, _channel=channel)
    if unknown := unknown_capabilities(spec.process):
        created.warnings.append("ignoring unknown capabilities: " + ", ".join(sorted(unknown)))
    try:
        created.identify(pid)
        _accompany(created, channel, plan, on_namespaces, state)
    except PeerGone as error:
        give_up(created)
        raise ContainerStartFailed("", "the container's init ended unexpectedly") from error
    except BaseException:
        give_up(created)
        raise
    return created


def _prepare_cgroup(cgroup: CgroupManager, linux: Linux) -> None:
    try:
        cgroup.create()
        if linux.resources is not None:
            # The device filter is the machine's owner's to attach, who is not in user namespaces.
            with_devices = in_first_user_namespace() and os.geteuid() == 0
            cgroup.apply(limits_of(linux.resources, with_devices=with_devices))
    except (OSError, ValueError) as error:  # ValueError: of what no cgroup can be asked for
        with suppress(OSError):
            cgroup.delete()
        raise ContainerStartFailed(
            "unable to apply cgroup configuration", reason_of(error)
        ) from error


def _hand_over_cgroup(cgroup: CgroupManager, spec: Spec, linux: Linux) -> None:
    """Give the container's root its cgroup, where it sees it writable and as a tree of its own.

    https://github.com/opencontainers/runtime-spec/blob/v1.2.0/config-linux.md#cgroup-ownership
    """
    kinds = {one.type for one in linux.namespaces if not one.path}
    writable = any(
        mount.type in ("cgroup", "cgroup2") and "ro" not in mount.options for mount in spec.mounts
    )
    owner = host_id_of_root(linux.uid_mappings)
    if cgroup.version == 2 and writable and owner is not None and {"user", "cgroup"} <= kinds:
        delegate(cgroup.paths[UNIFIED], owner)


def _view_of(cgroup: CgroupManager | None, new: int) -> CgroupView | None:
    namespaced = bool(new & CloneFlag.NEWCGROUP)
    if cgroup is None:
        found = hierarchies()
        if found.version == 1:
            return None
        # The caller's own: it is where the container is as well.
        place = Path(found.mounts[UNIFIED] + found.own[UNIFIED])
        return CgroupView(
            version=2, path=found.own[UNIFIED], directories={UNIFIED: place}, namespaced=namespaced
        )
    return CgroupView(
        version=cgroup.version,
        path=cgroup.path,
        directories=cgroup.paths,
        namespaced=namespaced,
    )


def _confinement(linux: Linux, keyring: str, cache: Path | None) -> Confinement:
    section = linux.seccomp
    return Confinement(
        seccomp=compile_filter(section, cache) if section else b"",
        seccomp_flags=filter_flags(section) if section else 0,
        keyring=keyring,
        personality=linux.personality,
        memory_policy=linux.memory_policy,
    )


def _has_hooks(spec: Spec) -> bool:
    return spec.hooks is not None and bool(spec.hooks.prestart or spec.hooks.create_runtime)


@contextmanager
def _opened_fifo(path: Path | None) -> Iterator[int | None]:
    if path is None:
        yield None
        return
    # For both directions, so that this does not wait for a writer. Init itself could not open it:
    # it is in the container's root by then, which need not have a /proc to reopen it through.
    with opened(os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)) as descriptor:
        yield descriptor


def _fork_init(
    plan: InitPlan, new: int, joined: Sequence[tuple[int, CloneFlag]], linux: Linux
) -> tuple[Channel, int]:
    ours, theirs = Channel.pair()
    try:
        own = children_in(new, joined, linux)
        with nullcontext() if plan.has_stage else own:
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


def _accompany(
    created: Created,
    channel: Channel,
    plan: InitPlan,
    on_namespaces: Callable[[int], None] | None,
    state: dict[str, object],
) -> None:
    """Our side of the conversation, until init is ready."""
    hooks = plan.root.spec.hooks
    linux = plan.root.spec.linux or Linux()

    def answer(message: Message) -> None:
        kind = message.kind
        if kind is Kind.MAP:
            write_id_maps(created.pid, linux)
            channel.send(Kind.CONTINUE)
        elif kind is Kind.CLOCKS:
            write_time_offsets(created.pid, linux)
            channel.send(Kind.CONTINUE)
        elif kind is Kind.NAMESPACES:
            try:
                if on_namespaces is not None:
                    on_namespaces(created.pid)
                move_devices(created.pid, linux.net_devices)
            except (OSError, WherryError):
                if channel.is_closed:
                    # Init has ended, and its namespaces with it; why is still to be read.
                    with suppress(PeerGone):
                        follow_child(created, channel)
                raise
            if plan.waits_for_network:
                channel.send(Kind.CONNECTED)
        elif kind is Kind.HOOKS and hooks is not None:
            document = {**state, "pid": created.pid}
            run_hooks("prestart", hooks.prestart, document)
            run_hooks("createRuntime", hooks.create_runtime, document)
            channel.send(Kind.CONTINUE)
        elif kind is Kind.LISTENER and linux.seccomp is not None:
            pass_on_listener(created, channel, message, linux.seccomp, state)

    channel.send(Kind.JOINED)
    follow_child(created, channel, answer)


def pass_on_listener(
    created: Created,
    channel: Channel,
    message: Message,
    section: Seccomp,
    state: Mapping[str, object],
) -> None:
    """Have the agent told of the filter that the child has loaded, and let the child go on."""
    number = message.facts["descriptor"]
    tell_agent(section, created.pid, created.pidfd, number, {"pid": created.pid, **state})
    channel.send(Kind.CONTINUE)


def follow_child(
    created: Created, channel: Channel, answer: Callable[[Message], None] = lambda _message: None
) -> None:
    """Listen until the child is ready or has failed."""
    while True:
        message = channel.receive()
        match message.kind:
            case Kind.READY:
                return
            case Kind.FAILED:
                raise raised(message.facts)
            case Kind.CHILD:
                stage = created.pid
                created.identify(message.facts["pid"])
                os.waitpid(stage, 0)
                channel.send(Kind.CONTINUE)
            case Kind.CONSOLE:
                created.console = message.descriptors[0]
            case Kind.WARNING:
                created.warnings.append(message.facts["message"])
            case _:
                answer(message)


def give_up(created: Created) -> None:
    """End the process and let go of what its holder would have had."""
    if created.pidfd >= 0:
        created.abort()
        os.close(created.pidfd)
    if created.console is not None:
        os.close(created.console)
