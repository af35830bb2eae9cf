"""Orders to a running container's supervisor, over RUN/containers/<id>/shim.sock.

The requests are those of `protocol`, read without ever waiting for a slow asker:

    attach     stdin, stdout, stderr, keys     becomes a client of the streams; with a descriptor
                                               the connection that this is becomes one instead
    stop       signal, timeout                 answered by {"exit": code} once it has ended
    restart    signal, timeout                 answered by {"started": True}
    kill       signal                          {"done": True}, as with the rest; after SIGKILL
                                               once it has ended
    pause, unpause, resize (height, width), update, clear_logs
    join (attachment), leave (network)         the networks of the container
    wait       condition, timeout              {"exit": code}, or {"health": status, "output": ...}
    follow                                     nothing: the connection ends when the log does
"""

import os
import signal
import socket
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress

from wherry.errors import WherryError, kind_of
from wherry.oci.codec import from_json
from wherry.oci.container_config import NetworkAttachment
from wherry.shim.attach import Attachment, Client, ClientEvents
from wherry.shim.client import listening_socket
from wherry.shim.errors import (
    CannotAttach,
    ContainerNotPaused,
    ContainerPaused,
    ContainerRestarting,
)
from wherry.shim.events import container_event
from wherry.shim.keepsakes import Busy, Keepsakes, Kept
from wherry.shim.loop import HANG_UP, READ, Loop
from wherry.shim.protocol import LARGEST_REQUEST, Payload, error_frame, parse_request
from wherry.shim.request import is_own_user
from wherry.store.containers import Health, Status
from wherry.typed import TYPE_CHECKING, Any
from wherry.values import dataclass

if TYPE_CHECKING:
    from wherry.shim.supervise import Supervisor

_LONGEST_DEATH = 10.0  # seconds
_SILENT = Attachment(stdout=False, stderr=False)


@dataclass(slots=True)
class _Waiter:
    client: Client
    condition: str  # exit, stop, kill, restart, healthy, log


class Control:
    """The listening socket, and those who wait for something to happen."""

    def __init__(self, supervisor: "Supervisor") -> None:
        self._supervisor = supervisor
        self._listener: socket.socket | None = None
        self._waiters: list[_Waiter] = []
        self._open: set[Client] = set()
        self._operations: dict[str, Callable[[Payload, socket.socket], None]] = {
            "attach": self._attach,
            "stop": self._stop,
            "restart": self._restart,
            "wait": self._wait,
            "follow": self._follow,
            "kill": self._kill,
            "pause": self._at_once(lambda _payload: self._pause(True)),
            "unpause": self._at_once(lambda _payload: self._pause(False)),
            "resize": self._at_once(self._resize),
            "update": self._at_once(lambda _payload: self._supervisor.reload()),
            "join": self._at_once(self._join),
            "leave": self._at_once(self._leave),
            "clear_logs": self._at_once(self._clear_logs),
        }

    @property
    def busy(self) -> bool:
        """Whether an answer is still on its way."""
        return bool(self._open)

    def listen(self) -> None:
        """Take orders from now on."""
        if self._listener is not None:
            return
        store = self._supervisor.store
        path = store.container_run_folder(self._supervisor.container.id) / "shim.sock"
        path.unlink(missing_ok=True)  # of a supervisor that was killed
        self._listen_on(listening_socket(str(path)).detach())

    def _listen_on(self, descriptor: int) -> None:
        self._listener = socket.socket(fileno=descriptor)
        self._listener.setblocking(False)
        self._supervisor.loop.watch(descriptor, READ, self._accept)

    def lay_down(self, kept: Keepsakes) -> Kept:
        """What another process needs to go on with orders; Busy while one is being answered."""
        if self._listener is None or len(self._open) != len(self._waiters):
            raise Busy
        waiters = [(one.client.lay_down(kept), one.condition) for one in self._waiters]
        return kept.add(self._listener.fileno(), READ), waiters

    def take_up(self, kept: Kept, descriptors: Sequence[int]) -> None:
        """Go on where `lay_down` stopped."""
        listener, waiters = kept
        self._listen_on(descriptors[listener])
        for one, condition in waiters:
            client = Client.take_up(self._supervisor.loop, one, descriptors, self._events)
            self._open.add(client)
            self._waiters.append(_Waiter(client, condition))

    def close(self) -> None:
        """Take no more orders. Who still waits learns that nothing will come."""
        if self._listener is not None:
            self._supervisor.loop.forget(self._listener.fileno())
            self._listener.close()
            self._listener = None
        for waiter in self._waiters:
            waiter.client.finish()
        self._waiters.clear()

    def _accept(self, _events: int) -> None:
        assert self._listener is not None
        with suppress(BlockingIOError, ConnectionAbortedError):
            asker, _ = self._listener.accept()
            if is_own_user(asker):
                Incoming(self._supervisor.loop, asker, self._dispatch)
            else:
                asker.close()

    def _dispatch(self, body: bytes, asker: socket.socket, descriptors: list[int]) -> None:
        try:
            parsed = parse_request(body)
            if parsed is None or parsed[0] not in self._operations:
                self._refuse(asker, "Unsupported", "the supervisor is of another version of Wherry")
                return
            operation, payload = parsed
            if operation == "attach" and descriptors:
                self._attach_other(payload, asker, descriptors)
                return
            self._operations[operation](payload, asker)
        except WherryError as error:
            self._refuse(asker, kind_of(error), error.message, error.hint)
        except OSError as error:  # of the kernel's: the container must not end by an order
            self._refuse(asker, "Internal", str(error))

    def _refuse(self, asker: socket.socket, kind: str, message: str, hint: str = "") -> None:
        client = self._client(asker)
        client.send_frame(error_frame(kind, message, hint))
        client.finish()

    def _client(self, asker: socket.socket) -> Client:
        client = Client(self._supervisor.loop, asker, _SILENT, self._events)
        self._open.add(client)
        return client

    @property
    def _events(self) -> ClientEvents:
        return ClientEvents(
            input=lambda _client, _data: True,
            input_ended=lambda _client: None,
            drained=lambda _client: None,
            gone=self._gone,
        )

    def _gone(self, client: Client) -> None:
        self._open.discard(client)
        self._waiters = [waiter for waiter in self._waiters if waiter.client is not client]
        self._supervisor.answered()

    # ---- orders

    def _at_once(
        self, action: Callable[[Payload], None]
    ) -> Callable[[Payload, socket.socket], None]:
        def order(payload: Payload, asker: socket.socket) -> None:
            action(payload)
            self._client(asker).finish(done=True)
            self._supervisor.rest()

        return order

    def _attach(self, payload: Payload, asker: socket.socket) -> None:
        self._attached(payload, asker).control(attached=True)
        if payload.get("height"):
            self._resize(payload)
        self._supervisor.rest()

    def _attach_other(self, payload: Payload, asker: socket.socket, descriptors: list[int]) -> None:
        """The client is not who asks, but the connection that came along."""
        self._attached(payload, socket.socket(fileno=descriptors.pop()))
        self._client(asker).finish(attached=True)

    def _attached(self, payload: Payload, sock: socket.socket) -> Client:
        supervisor = self._supervisor
        if supervisor.container.status is Status.RESTARTING:
            raise CannotAttach("restarting", "wait until it is running")
        if supervisor.container.status is Status.PAUSED:
            raise CannotAttach("paused", "unpause it first")
        _ = supervisor.process
        assert supervisor.run is not None
        container_event(supervisor.store, supervisor.container, "attach")
        return supervisor.run.streams.new_client(sock, attachment_of(payload))

    def _stop(self, payload: Payload, asker: socket.socket) -> None:
        supervisor = self._supervisor
        self.publish_kill(_number(payload.get("signal")) or supervisor.stop_signal)
        self._waiters.append(_Waiter(self._client(asker), "stop"))
        timeout = payload.get("timeout")
        seconds = float(timeout) if isinstance(timeout, int | float) else None
        supervisor.stop(_number(payload.get("signal")), seconds)

    def _restart(self, payload: Payload, asker: socket.socket) -> None:
        supervisor = self._supervisor
        client = self._client(asker)
        self._waiters.append(_Waiter(client, "restart"))
        timeout = payload.get("timeout")
        seconds = float(timeout) if isinstance(timeout, int | float) else None
        self.publish_kill(_number(payload.get("signal")) or supervisor.stop_signal)
        supervisor.restart(_number(payload.get("signal")), seconds)

    def restarted(self) -> None:
        """The container runs again, as was ordered."""
        container_event(self._supervisor.store, self._supervisor.container, "restart")
        for waiter in self._taken("restart"):
            waiter.client.finish(started=True)

    def restart_failed(self, error: Exception) -> None:
        for waiter in self._taken("restart"):
            kind, message = kind_of(error), getattr(error, "message", str(error))
            waiter.client.send_frame(error_frame(kind, message))
            waiter.client.finish()

    def _wait(self, payload: Payload, asker: socket.socket) -> None:
        condition = str(payload.get("condition") or "exit")
        client = self._client(asker)
        waiter = _Waiter(client, condition)
        self._waiters.append(waiter)
        if condition != "healthy":
            return
        state = self._supervisor.container.state
        health = state.health
        if health is None:  # nothing is checked: it runs, and there is no more to wait for
            self._give_up(waiter)
            return
        if not state.status.has_shim:  # its health ended with it
            self._waiters.remove(waiter)
            client.finish(exit=state.exit_code)
            return
        if state.status.has_process:
            self.health_changed(health)
        seconds = payload.get("timeout")
        if isinstance(seconds, int) and seconds > 0:
            self._supervisor.loop.call_later(float(seconds), lambda: self._give_up(waiter))

    def _give_up(self, waiter: _Waiter) -> None:
        """Answer with the health as it is now, unless that was done."""
        if waiter in self._waiters:
            self._waiters.remove(waiter)
            health = self._supervisor.container.state.health
            waiter.client.finish(
                health=health.status if health else "none", output=_last_output(health)
            )

    def _follow(self, _payload: Payload, asker: socket.socket) -> None:
        client = self._client(asker)
        if self._supervisor.run is None:  # between two runs: there is nothing to follow
            client.finish()
        else:
            client.control(following=True)
            self._waiters.append(_Waiter(client, "log"))

    def _kill(self, payload: Payload, asker: socket.socket) -> None:
        """Send a signal; one that nothing survives is answered when the container has ended."""
        number = _number(payload.get("signal")) or signal.SIGKILL
        supervisor = self._supervisor
        is_waiting = supervisor.container.status is Status.RESTARTING
        if not is_waiting and not supervisor.is_ending:
            _ = supervisor.process
        self.publish_kill(number)
        waiter = _Waiter(self._client(asker), "kill")
        self._waiters.append(waiter)
        supervisor.kill(number)
        if is_waiting or number != signal.SIGKILL:
            self._killed(waiter)
        else:
            # A process may be stuck in the kernel; as with Docker its killer is not.
            supervisor.loop.call_later(_LONGEST_DEATH, lambda: self._killed(waiter))
        supervisor.rest()

    def _killed(self, waiter: _Waiter) -> None:
        if waiter in self._waiters:
            self._waiters.remove(waiter)
            waiter.client.finish(done=True)

    def publish_kill(self, number: int) -> None:
        supervisor = self._supervisor
        container_event(supervisor.store, supervisor.container, "kill", signal=str(number))

    def _pause(self, frozen: bool) -> None:
        supervisor = self._supervisor
        status = supervisor.container.status
        if status is Status.RESTARTING and frozen:
            raise ContainerRestarting(supervisor.container.id)
        if frozen and status is Status.PAUSED:
            raise ContainerPaused(supervisor.container.id)
        if not frozen and status is not Status.PAUSED:
            raise ContainerNotPaused(supervisor.container.id)
        supervisor.pause(frozen)

    def _resize(self, payload: Payload) -> None:
        supervisor = self._supervisor
        _ = supervisor.process
        height, width = _number(payload.get("height")) or 0, _number(payload.get("width")) or 0
        if supervisor.run is not None and supervisor.run.streams.resize(height, width):
            container_event(
                supervisor.store,
                supervisor.container,
                "resize",
                height=str(height),
                width=str(width),
            )

    def _join(self, payload: Payload) -> None:
        attachment = from_json(NetworkAttachment, payload.get("attachment"))
        self._supervisor.join_network(attachment)

    def _leave(self, payload: Payload) -> None:
        self._supervisor.leave_network(str(payload.get("network")))

    def _clear_logs(self, _payload: Payload) -> None:
        if self._supervisor.run is not None:
            self._supervisor.run.log.clear()

    # ---- news

    def log_closed(self) -> None:
        for waiter in self._taken("log"):
            waiter.client.finish()

    def health_changed(self, health: Health) -> None:
        """Tell those who wait for health, once it is decided."""
        if health.status in ("healthy", "unhealthy"):
            for waiter in self._taken("healthy"):
                waiter.client.finish(health=health.status, output=_last_output(health))

    def exited(self, code: int) -> None:
        """The container has ended and its row says so."""
        if any(waiter.condition == "stop" for waiter in self._waiters):
            container_event(self._supervisor.store, self._supervisor.container, "stop")
        for waiter in self._taken("stop", "exit", "healthy"):
            waiter.client.finish(exit=code)
        for waiter in self._taken("kill"):
            waiter.client.finish(done=True)

    def _taken(self, *conditions: str) -> list[_Waiter]:
        taken = [waiter for waiter in self._waiters if waiter.condition in conditions]
        self._waiters = [waiter for waiter in self._waiters if waiter not in taken]
        return taken


class Incoming:
    """A request on its way in: exactly its bytes are read, what follows is stdin."""

    def __init__(
        self,
        loop: Loop,
        asker: socket.socket,
        dispatch: Callable[[bytes, socket.socket, list[int]], None],
    ) -> None:
        self._loop = loop
        self._asker = asker
        self._dispatch = dispatch
        self._data = b""
        self._descriptors: list[int] = []  # that came along; the dispatcher takes what it keeps
        self._wanted = 4
        asker.setblocking(False)
        loop.watch(asker.fileno(), READ, self._ready)
        self._ready(READ)  # nearly always it is there already

    def _ready(self, events: int) -> None:
        try:
            piece = self._receive(self._wanted - len(self._data))
        except BlockingIOError:
            if events & HANG_UP:
                self._drop()
            return
        except OSError:
            piece = b""
        self._data += piece
        if not piece:
            self._drop()
        elif len(self._data) == self._wanted:
            if self._wanted == 4:
                length = int.from_bytes(self._data, "big")
                self._wanted += length
                if 0 < length <= LARGEST_REQUEST:
                    self._ready(events)
                else:
                    self._drop()
                return
            self._loop.forget(self._asker.fileno())
            try:
                self._dispatch(self._data[4:], self._asker, self._descriptors)
            finally:
                self._close_descriptors()
        else:
            self._ready(events)

    def _receive(self, size: int) -> bytes:
        if self._data:
            return self._asker.recv(size)
        # Descriptors come with the first byte.
        space = socket.CMSG_SPACE(4)
        piece, ancillary, _, _ = self._asker.recvmsg(size, space, socket.MSG_CMSG_CLOEXEC)
        for level, kind, data in ancillary:
            if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
                self._descriptors.append(int.from_bytes(data[:4], sys.byteorder))
        return piece

    def _close_descriptors(self) -> None:
        while self._descriptors:
            os.close(self._descriptors.pop())

    def _drop(self) -> None:
        self._loop.forget(self._asker.fileno())
        self._asker.close()
        self._close_descriptors()


def attachment_of(payload: Payload, *, first: bool = False) -> Attachment:
    """What a client wants, as a request says it."""
    return Attachment(
        stdin=bool(payload.get("stdin")),
        stdout=bool(payload.get("stdout", True)),
        stderr=bool(payload.get("stderr", True)),
        keys=_bytes(payload.get("keys")),
        first=first,
        controls=bool(payload.get("controls", True)),
        bare=bool(payload.get("bare")),
        early=_bytes(payload.get("early")),
    )


def _last_output(health: Health | None) -> str:
    """What the last probe has written."""
    return health.log[-1].output if health and health.log else ""


def _number(value: Any) -> int | None:
    return value if isinstance(value, int) else None


def _bytes(value: object) -> bytes:
    return value if isinstance(value, bytes) else b""
