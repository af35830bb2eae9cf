"""Containers on another OCI runtime than ours, such as runc or crun: --runtime.

The same bundle and the same supervision; only `create` and `start` are another program's:

    shim ── fork ──> mounts the root in a mount namespace of its own, executes `runc create`
     │                                     └── fork ──> the container's init, in a copy of it
     ├── adopts init, as the subreaper, when `runc create` has ended
     ├── plugs in the network
     └── `runc start`

So the host never sees the root, as with our own runtime, and it goes with the container. What the
program remembers lies in the container's run folder and goes with that.
"""

import json
import os
import socket
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from wherry.errors import WherryError
from wherry.linux.files import remove_tree
from wherry.linux.mount import MountFlag, set_propagation
from wherry.linux.namespaces import CloneFlag, unshare
from wherry.linux.process import start_time
from wherry.oci.mount import Mount
from wherry.runtime.errors import ContainerStartFailed, ProgramNotRunnable
from wherry.runtime.init.rootfs import mount_part
from wherry.runtime.stdio import Stdio
from wherry.typed import NoReturn
from wherry.values import dataclass, field

_PREFIX = "unable to start container process: "


@dataclass(frozen=True, kw_only=True, slots=True)
class Foreign:
    """Another runtime's program, and where it keeps one container."""

    program: str
    container_id: str
    bundle: Path
    folder: Path  # of our own, emptied at each start

    def words(self, *command: str) -> list[str]:
        log = ("--log", str(self.folder / "log"), "--log-format", "json")
        return [self.program, "--root", str(self.folder / "state"), *log, *command]

    def failure(self) -> WherryError:
        """Why the program failed, from the last line of its log."""
        text = _last_message(self.folder / "log")
        reason = text.rpartition(_PREFIX)[2]
        if "executable file" in reason or reason.startswith("exec"):
            return ProgramNotRunnable(reason)
        return ContainerStartFailed("", reason)


def _last_message(log: Path) -> str:
    with suppress(OSError, ValueError):
        for line in reversed(log.read_text(errors="replace").splitlines()):
            message: str = json.loads(line)["msg"]
            return message
    return "the runtime failed without saying why"


@dataclass(slots=True)
class ForeignCreated:
    """A container whose init waits, as `wherry.runtime.create.Created` has it."""

    runtime: Foreign
    pid: int
    pidfd: int
    start_time: int
    console: int | None = None
    warnings: list[str] = field(default_factory=list)

    def start(self) -> None:
        if _run(self.runtime, "start") != 0:
            self.abort()
            raise self.runtime.failure()

    def abort(self) -> None:
        _delete(self.runtime)
        with suppress(ChildProcessError):
            os.waitid(os.P_PIDFD, self.pidfd, os.WEXITED)


def create_foreign(
    runtime: Foreign, *, stdio: Stdio | None, root_mounts: Sequence[Mount], root: Path
) -> ForeignCreated:
    """Have `runtime` create the container; without `stdio` it gets a terminal.

    Raises what our own runtime raises. The caller is a subreaper with one thread.
    """
    with suppress(OSError):
        remove_tree(runtime.folder)
    runtime.folder.mkdir(mode=0o700, parents=True)
    pid_file = runtime.folder / "pid"
    words = ["create", "--bundle", str(runtime.bundle), "--pid-file", str(pid_file)]
    import tempfile  # as `subprocess` below

    with (
        socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener,
        # Not below the run folder: the path of a socket may not be long, unix(7).
        tempfile.TemporaryDirectory(prefix="wherry-console-") as place,
    ):
        if stdio is None:
            listener.bind(f"{place}/socket")
            listener.listen()
            words += ["--console-socket", f"{place}/socket"]
        child = os.fork()
        if child == 0:
            _become(runtime.words(*words, runtime.container_id), stdio, root_mounts, root)
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        if code != 0:
            failure = runtime.failure()
            _delete(runtime)
            raise failure
        pid = int(pid_file.read_text())
        created = ForeignCreated(runtime, pid, os.pidfd_open(pid), start_time(pid))
        if stdio is None:
            created.console = _received(listener)
    return created


def _received(listener: socket.socket) -> int:
    connection, _ = listener.accept()  # it is there: the program sends before it ends
    with connection:
        _, descriptors, _, _ = socket.recv_fds(connection, 64, 1, socket.MSG_CMSG_CLOEXEC)
    return descriptors[0]


def _become(
    words: list[str], stdio: Stdio | None, root_mounts: Sequence[Mount], root: Path
) -> NoReturn:
    """In a fork: mount the root where nobody else sees it, and be the runtime's program."""
    try:
        unshare(CloneFlag.NEWNS)
        set_propagation("/", MountFlag.SLAVE | MountFlag.REC)
        for mount in root_mounts:
            mount_part(root, mount)
        os.chdir("/")
        if stdio is not None:
            for number, descriptor in enumerate((stdio.stdin, stdio.stdout, stdio.stderr)):
                os.dup2(descriptor, number)
        os.execv(words[0], words)
    except OSError as error:
        with suppress(OSError):
            os.write(2, f"{words[0]}: {error}\n".encode())
    finally:
        os._exit(1)


def _delete(runtime: Foreign) -> None:
    _run(runtime, "delete", "--force")


def _run(runtime: Foreign, *words: str) -> int:
    """Run the program with the container's ID behind `words`; its exit status."""
    import subprocess  # loaded where containers run on other runtimes

    command = runtime.words(*words, runtime.container_id)
    answer = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    return answer.returncode
