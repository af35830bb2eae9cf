"""From a plan to a process: the runtime's create and start, the network in between."""

import errno
import os
from collections.abc import Callable

from wherry.errors import InvalidArgument, WherryError
from wherry.linux.cgroup.manager import CgroupManager
from wherry.linux.namespaces import CloneFlag, open_namespace
from wherry.linux.openat import opened
from wherry.network.connected import Connected
from wherry.runtime.create import Created, create_container
from wherry.runtime.errors import ContainerStartFailed, InvalidSpec, ProgramNotRunnable
from wherry.runtime.stdio import Stdio
from wherry.shim.foreign import Foreign, ForeignCreated, create_foreign
from wherry.shim.process import Supervised
from wherry.shim.start_plan import StartPlan
from wherry.shim.streams import Pipes, Streams
from wherry.store.store import Store
from wherry.values import dataclass

_WRONG_KIND = (
    ": Are you trying to mount a directory onto a file (or vice-versa)? Check if the specified host"
    " path exists and is the expected type"
)
ENGINE_FAILED = 128  # the exit code of a container whose start failed before its program did


class StartFailed(InvalidArgument):
    """A start that failed in the runtime, worded as Docker words it."""

    def __init__(self, error: WherryError) -> None:
        # Docker reports it as the container's own failure, with these words around runc's.
        text = (
            "failed to create task for container: failed to create shim task:"
            f" OCI runtime create failed: wherry create failed: {error.message}: unknown"
        )
        super().__init__(
            text + _WRONG_KIND if os.strerror(errno.ENOTDIR).lower() in text.lower() else text,
            hint=error.hint,
        )
        # The client's exit status: 126, 127, or its own for an engine that failed.
        self.status = error.exit_status if isinstance(error, ProgramNotRunnable) else 125


def start_error(error: WherryError) -> WherryError:
    """`error` as whoever started the container is to read it."""
    if isinstance(error, ProgramNotRunnable | ContainerStartFailed | InvalidSpec):
        return StartFailed(error)
    return error


def exit_code_of(error: BaseException) -> int:
    """126 or 127 for a program that cannot be run or is not there, as shells have it."""
    return error.exit_status if isinstance(error, ProgramNotRunnable) else ENGINE_FAILED


@dataclass(slots=True)
class Starting:
    """A container whose init waits for the word to go on."""

    process: Supervised
    connected: Connected
    warnings: list[str]
    _created: Created | ForeignCreated
    _pipes: Pipes | None
    _streams: Streams

    def go(self) -> None:
        """Execute the program. What fails is undone up to here."""
        self._created.start()
        if self._pipes is not None:
            self._streams.use_pipes(self._pipes)
        else:
            self._streams.use_console(self.process.console)

    def abort(self) -> None:
        """End init and let go of everything, before or after a failed `go`."""
        self._created.abort()
        os.close(self.process.pidfd)
        self.process.pidfd = -1
        if self._pipes is not None:
            self._pipes.close_ours()
        elif self.process.console >= 0:
            os.close(self.process.console)
        self.connected.close()


def create_process(
    store: Store, plan: StartPlan, streams: Streams, cgroup: CgroupManager
) -> Starting:
    """Everything up to the point where the container's program could run."""
    config = plan.container.config
    pipes = None if config.tty else Pipes(with_stdin=config.open_stdin)
    connected = Connected()

    def connect(pid: int) -> None:
        nonlocal connected
        with opened(open_namespace(pid, CloneFlag.NEWNET)) as namespace:
            connected = plan.connect(namespace)

    stdio = pipes.theirs if pipes is not None else None
    created: Created | ForeignCreated
    try:
        if plan.runtime:
            created = _create_foreign(store, plan, stdio, connect)
        else:
            created = create_container(
                plan.container.id,
                plan.spec,
                bundle=plan.bundle,
                cgroup=cgroup,
                stdio=stdio,
                root_mounts=plan.root_mounts,
                on_namespaces=connect,
                seccomp_cache=store.root / "seccomp",
            )
    except BaseException:
        if pipes is not None:
            pipes.close_theirs()
            pipes.close_ours()
        connected.close()
        raise
    if pipes is not None:
        pipes.close_theirs()
    console = -1 if created.console is None else created.console
    return Starting(
        process=Supervised(created.pid, created.pidfd, created.start_time, console),
        connected=connected,
        warnings=created.warnings,
        _created=created,
        _pipes=pipes,
        _streams=streams,
    )


def _create_foreign(
    store: Store, plan: StartPlan, stdio: Stdio | None, connect: Callable[[int], None]
) -> ForeignCreated:
    assert plan.spec.root is not None
    runtime = Foreign(
        program=plan.runtime,
        container_id=plan.container.id,
        bundle=plan.bundle,
        folder=store.container_run_folder(plan.container.id) / "runtime",
    )
    root = plan.bundle / plan.spec.root.path
    created = create_foreign(runtime, stdio=stdio, root_mounts=plan.root_mounts, root=root)
    try:
        connect(created.pid)
    except BaseException:
        created.abort()
        os.close(created.pidfd)
        raise
    return created
