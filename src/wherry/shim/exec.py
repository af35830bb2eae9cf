"""Further processes in a running container: probes of its health, and `exec` with its streams.

An exec is supervised by a process of its own, forked from the launcher like a shim: it lives as
long as its process does, and the container's shim knows nothing of it.
"""

import signal
import socket
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from wherry.errors import Internal, InvalidArgument, WherryError
from wherry.linux.cgroup.manager import open_manager
from wherry.linux.process import become_subreaper
from wherry.oci.runtime_spec import VERSION, Process, Seccomp, Spec
from wherry.runtime.errors import ContainerNotRunning as RuntimeNotRunning
from wherry.runtime.errors import ContainerStartFailed, ProgramNotRunnable
from wherry.runtime.exec import exec_process, rehearse_exec
from wherry.runtime.stdio import Stdio
from wherry.shim import memory
from wherry.shim.attach import Attachment, Client
from wherry.shim.client import listening_socket
from wherry.shim.control import Incoming
from wherry.shim.errors import ContainerNotRunning
from wherry.shim.loop import READ, Loop
from wherry.shim.process import Supervised, reap_orphans
from wherry.shim.protocol import control, parse_request
from wherry.shim.request import is_own_user
from wherry.shim.signals import watch_signals
from wherry.shim.streams import Pipes, Streams
from wherry.store.containers import Container
from wherry.store.store import Store
from wherry.values import dataclass, replace

_SOON = 0.05  # seconds
_REST_AFTER = 1.0
_PATIENCE = 2.0
_SHELL = ("/bin/sh", "-c")


class ExecFailed(InvalidArgument):
    """A process that could not be started in a container, in Docker's words."""

    def __init__(self, error: WherryError) -> None:
        super().__init__(
            f"OCI runtime exec failed: exec failed: {error.message}: unknown", hint=error.hint
        )
        self.status = error.exit_status if isinstance(error, ProgramNotRunnable) else 126


@dataclass(frozen=True, kw_only=True, slots=True)
class Joining:
    """A process to be put into a running container, and what confines it there."""

    container: Container
    process: Process
    cgroup_path: str
    seccomp: Seccomp | None


def probe_of(container: Container, spec: Spec, test: tuple[str, ...]) -> Joining:
    """The process of a health check: as the container's own, with another command."""
    if spec.process is None or spec.linux is None:
        raise Internal("the container has no process to take after")
    kind, *words = test
    args = (*_SHELL, *words) if kind == "CMD-SHELL" else tuple(words)
    return Joining(
        container=container,
        process=replace(spec.process, args=args, terminal=False, console_size=None),
        cgroup_path=spec.linux.cgroups_path,
        seccomp=spec.linux.seccomp,
    )


def start_exec(store: Store, joining: Joining, stdio: Stdio | None) -> Supervised:
    """Run a process in a container; without `stdio` it gets a terminal."""
    state = joining.container.state
    if not state.pid:
        raise ContainerNotRunning(joining.container.id)
    try:
        created = exec_process(
            state.pid,
            state.pid_start_time,
            joining.process,
            cgroup=open_manager(joining.cgroup_path),
            seccomp=joining.seccomp,
            stdio=stdio,
            seccomp_cache=store.root / "seccomp",
            state={
                "ociVersion": VERSION,
                "id": joining.container.id,
                "status": "running",
                "pid": state.pid,
                "bundle": str(store.container_folder(joining.container.id)),
                "annotations": {},
            },
        )
    except RuntimeNotRunning as error:
        raise ContainerNotRunning(joining.container.id) from error
    except (ProgramNotRunnable, ContainerStartFailed) as error:
        raise ExecFailed(error) from error
    console = -1 if created.console is None else created.console
    return Supervised(created.pid, created.pidfd, created.start_time, console)


def rehearse(store: Store, plan: "ExecPlan") -> None:
    """Go over what an exec does before its fork; nothing is left of it."""
    joining = plan.joining
    open_manager(joining.cgroup_path)
    rehearse_exec(joining.process, joining.seccomp, store.root / "seccomp")
    ExecSupervisor(store, plan)


@dataclass(frozen=True, kw_only=True, slots=True)
class ExecPlan:
    """An `exec`: what to run, and what of it the client wants."""

    joining: Joining
    stdin: bool = False
    keys: bytes = b""
    socket_path: Path | None = None  # where resize is taken; only for a terminal


class ExecSupervisor:
    """One exec with its streams, until it has ended and its client knows."""

    def __init__(self, store: Store, plan: ExecPlan) -> None:
        self._store = store
        self._plan = plan
        self._loop = Loop()
        self._streams = Streams(
            self._loop, None, stdin_once=True, tty=plan.joining.process.terminal
        )
        self._streams.on_client_gone = lambda _client: self._stop_if_over()
        self._process: Supervised | None = None
        self._listener: socket.socket | None = None
        self._client: Client | None = None
        self._over = False
        self._code = 0
        self.on_end: Callable[[int], None] = lambda _code: None  # before the client knows

    def start(self, sock: socket.socket | None, wanted: Attachment | None = None) -> None:
        """Run the process; `sock` is attached to its streams, without one they lead nowhere."""
        become_subreaper()
        watch_signals(self._loop, {signal.SIGCHLD: self._reap})
        plan = self._plan
        pipes = None if plan.joining.process.terminal else Pipes(with_stdin=plan.stdin)
        try:
            stdio = pipes.theirs if pipes is not None else None
            self._process = start_exec(self._store, plan.joining, stdio)
        except BaseException:
            if pipes is not None:
                pipes.close_theirs()
                pipes.close_ours()
            raise
        if sock is not None:
            wanted = wanted or Attachment(stdin=plan.stdin, keys=plan.keys, first=True)
            self._client = self._streams.new_client(sock, wanted)
        if pipes is not None:
            pipes.close_theirs()
            self._streams.use_pipes(pipes)
        else:
            self._streams.use_console(self._process.console, with_stdin=plan.stdin)
            self._listen()
        self._loop.watch(self._process.pidfd, READ, self._ended)

    @property
    def pid(self) -> int:
        return self._process.pid if self._process is not None else 0

    def tell(self, **message: object) -> None:
        if self._client is not None:
            self._client.control(**message)

    def run(self, meanwhile: Callable[[], None]) -> int:
        """Move bytes until the process has ended; its exit code.

        `meanwhile` is called soon, unless the process has ended by then: whoever typed the command
        waits for that, and what is left to do can wait.
        """
        self._loop.call_later(_SOON, meanwhile)
        self._loop.call_later(_REST_AFTER, memory.trim)
        self._loop.run()
        return self._code

    def _reap(self) -> None:
        reap_orphans({self.pid})

    def _ended(self, _events: int) -> None:
        assert self._process is not None
        self._loop.forget(self._process.pidfd)
        self._code = self._process.reap()
        self._streams.when_ended(self._answer, _PATIENCE)

    def _answer(self) -> None:
        self._over = True
        if self._listener is not None:
            self._loop.forget(self._listener.fileno())
            self._listener.close()
            assert self._plan.socket_path is not None
            self._plan.socket_path.unlink(missing_ok=True)
        self.on_end(self._code)
        for client in list(self._streams.clients):
            client.finish(exit=self._code)
        self._stop_if_over()

    def _stop_if_over(self) -> None:
        if self._over and not self._streams.clients:
            self._loop.stop()

    # ---- resize, the one order an exec takes

    def _listen(self) -> None:
        path = self._plan.socket_path
        if path is None:
            return
        with suppress(OSError):  # the container has just ended, and its folder with it
            raw = listening_socket(str(path))
            self._listener = socket.socket(fileno=raw.detach())
            self._listener.setblocking(False)
            self._loop.watch(self._listener.fileno(), READ, self._accept)

    def _accept(self, _events: int) -> None:
        assert self._listener is not None
        with suppress(BlockingIOError, ConnectionAbortedError):
            asker, _ = self._listener.accept()
            if is_own_user(asker):
                Incoming(self._loop, asker, self._dispatch)
            else:
                asker.close()

    def _dispatch(self, body: bytes, asker: socket.socket, _descriptors: list[int]) -> None:
        parsed = parse_request(body)
        if parsed is not None and parsed[0] == "resize":
            height, width = parsed[1].get("height"), parsed[1].get("width")
            if isinstance(height, int) and isinstance(width, int):
                self._streams.resize(height, width)
        with asker, suppress(OSError):
            asker.send(control(done=True))
