"""Execs that clients have made: what is to be run, and what became of it.

They live as long as the service, as in Docker. A running one has a connection to the process that
supervises it, which tells its end before its client can know.
"""

import asyncio
import secrets
from collections.abc import Mapping

from wherry.errors import Conflict, NotFound, WherryError
from wherry.shim.client import Connection, SupervisorGone, error_of
from wherry.shim.protocol import CONTROL, TAKEN, parse_control
from wherry.values import dataclass, field

_MOST = 4096


class NoSuchExec(NotFound):
    def __init__(self, exec_id: str) -> None:
        super().__init__(f"No such exec instance: {exec_id}")


class ExecAlreadyRunning(Conflict):
    def __init__(self, exec_id: str, *, ended: bool) -> None:
        what = "has already run" if ended else "is already running"
        super().__init__(f"Error: Exec command {exec_id} {what}")


class TooManyExecs(Conflict):
    def __init__(self) -> None:
        super().__init__(f"more than {_MOST} execs are running")


@dataclass(slots=True)
class Exec:
    container_id: str
    command: tuple[str, ...]
    stdin: bool = False
    stdout: bool = False
    stderr: bool = False
    tty: bool = False
    privileged: bool = False
    user: str = ""
    workdir: str = ""
    detach_keys: str = ""
    env: tuple[str, ...] = ()
    size: tuple[int, ...] = ()
    id: str = field(default_factory=lambda: secrets.token_hex(32))
    started: bool = False
    running: bool = False
    exit_code: int | None = None
    pid: int = 0
    socket_path: str = ""  # where its terminal's size is told
    begun: asyncio.Event = field(default_factory=asyncio.Event)  # it runs, or could not


class Execs:
    """To be used in the event loop alone."""

    def __init__(self) -> None:
        self._execs: dict[str, Exec] = {}

    def add(self, new: Exec) -> None:
        self.make_room()
        self._execs[new.id] = new

    def make_room(self) -> None:
        """For another; it is the oldest that has ended, or else was never started, that goes."""
        if len(self._execs) >= _MOST:
            olds = self._execs.items()
            ended = next((key for key, old in olds if old.exit_code is not None), "")
            idle = ended or next((key for key, old in olds if not old.started), "")
            if not idle:
                raise TooManyExecs
            del self._execs[idle]

    def find(self, exec_id: str) -> Exec:
        try:
            return self._execs[exec_id]
        except KeyError:
            raise NoSuchExec(exec_id) from None

    def running_in(self, container_id: str) -> list[str]:
        return [
            each.id
            for each in self._execs.values()
            if each.container_id == container_id and each.running
        ]

    def forget_container(self, container_id: str) -> None:
        for each in [e for e in self._execs.values() if e.container_id == container_id]:
            del self._execs[each.id]


async def is_taken(connection: Connection) -> bool:
    """Whether somebody carries out the request that was offered on `connection`."""
    loop = asyncio.get_running_loop()
    try:
        # The class that all sockets descend from has what this needs.
        return await loop.sock_recv(connection.socket, 1) == TAKEN  # type: ignore[arg-type]
    except OSError:
        return False


class Watch:
    """What the supervisor of an exec tells of it, on a connection that this takes over."""

    def __init__(self, chosen: Exec, connection: Connection) -> None:
        self._exec = chosen
        self._connection = connection
        self._loop = asyncio.get_running_loop()
        self.started: asyncio.Future[None] = self._loop.create_future()  # or the reason why not
        connection.socket.setblocking(False)
        self._loop.add_reader(connection.fileno(), self._ready)

    def _ready(self) -> None:
        try:
            frames = self._connection.receive()
        except BlockingIOError:
            return
        for stream, body in frames or ():
            if stream == CONTROL:
                self._take(parse_control(body))
        if frames is None or self._exec.exit_code is not None:
            self._end()

    def _take(self, message: Mapping[str, object]) -> None:
        if "error" in message:
            self._fail(error_of(message["error"]))
        elif message.get("started"):
            self._exec.pid = int(str(message.get("pid") or 0))
            self._exec.socket_path = str(message.get("socket") or "")
            self._exec.running = True
            if not self.started.done():
                self.started.set_result(None)
        elif isinstance(code := message.get("exit"), int):
            self._exec.exit_code = code

    def _end(self) -> None:
        self._fail(SupervisorGone())  # before it began
        if self._exec.exit_code is None:
            self._exec.exit_code = 137  # its supervisor was killed, and the process with it
        self._exec.running = False
        self._loop.remove_reader(self._connection.fileno())
        self._connection.close()

    def _fail(self, reason: WherryError) -> None:
        if not self.started.done():
            self.started.set_exception(reason)
