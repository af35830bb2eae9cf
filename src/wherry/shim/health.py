"""Health checks: a probe in the container now and then, and what its results add up to.

    starting ──(a probe succeeds)──> healthy <──> unhealthy   after `retries` failures in a row

While starting and within the start period, failures do not count and probes come every start
interval. A timeout counts as exit code -1. The last five results are kept.
"""

import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress

from wherry.errors import WherryError
from wherry.linux.openat import opened
from wherry.oci.container_config import SECOND, Healthcheck, HealthFailureAction
from wherry.oci.timestamps import format_timestamp
from wherry.runtime.stdio import Stdio
from wherry.shim.errors import ContainerNotRunning
from wherry.shim.events import container_event
from wherry.shim.exec import probe_of, start_exec
from wherry.shim.keepsakes import Busy, Kept
from wherry.shim.loop import READ, Timer
from wherry.shim.process import Supervised
from wherry.store.containers import Health, HealthResult, Status
from wherry.typed import TYPE_CHECKING
from wherry.values import replace

if TYPE_CHECKING:
    from wherry.shim.supervise import Supervisor

LONGEST_OUTPUT = 4096
KEPT_RESULTS = 5
_INTERVAL = 30 * SECOND
_TIMEOUT = 30 * SECOND
_START_INTERVAL = 5 * SECOND
_RETRIES = 3
_KILLED = -1


class HealthMonitor:
    """The probes of one run of a container."""

    def __init__(
        self, supervisor: "Supervisor", check: Healthcheck, kept: Kept | None = None
    ) -> None:
        self._supervisor = supervisor
        self._check = check
        self._started = time.monotonic()
        self._timer: Timer | None = None
        self._probe: _Probe | None = None
        self._stopped = False
        if kept is None:
            self._plan_next()
        else:
            self._started, due = kept
            self._plan(due - time.monotonic())

    @staticmethod
    def of(supervisor: "Supervisor", kept: Kept | None = None) -> "HealthMonitor | None":
        """The monitor that the container is configured to have; with `kept` it goes on."""
        check = supervisor.container.config.healthcheck
        return HealthMonitor(supervisor, check, kept) if check and is_checked(check) else None

    def lay_down(self) -> Kept:
        """What another process needs to go on with the probes; Busy during one."""
        if self._timer is None:
            raise Busy
        return self._started, self._timer.when

    @property
    def timer(self) -> Timer | None:
        """When the next probe is due."""
        return self._timer

    @staticmethod
    def first_state(check: Healthcheck | None) -> Health | None:
        return Health(status="starting") if check and is_checked(check) else None

    @staticmethod
    def last_state(health: Health | None) -> Health | None:
        """Docker's: what is checked no longer counts as unhealthy."""
        return health and replace(health, status="unhealthy")

    @property
    def pids(self) -> set[int]:
        return {self._probe.process.pid} if self._probe is not None else set()

    def stop(self) -> None:
        """Probe no more; the processes are gone with the container."""
        self._stopped = True
        if self._timer is not None:
            self._timer.cancel()
        if self._probe is not None:
            self._probe.abandon()
            self._probe = None

    @property
    def _health(self) -> Health:
        return self._supervisor.container.state.health or Health(status="starting")

    def _plan_next(self) -> None:
        interval = self._check.interval or _INTERVAL
        if self._is_in_start_period() and self._health.status == "starting":
            interval = self._check.start_interval or _START_INTERVAL
        self._plan(interval / SECOND)

    def _plan(self, seconds: float) -> None:
        self._timer = self._supervisor.loop.call_later(max(0.0, seconds), self._begin)

    def _is_in_start_period(self) -> bool:
        return time.monotonic() - self._started < self._check.start_period / SECOND

    def _begin(self) -> None:
        self._timer = None
        if self._supervisor.container.status is Status.PAUSED:
            self._plan_next()
            return
        began = time.time_ns()
        counts = not self._is_in_start_period()
        try:
            self._probe = _Probe(
                self._supervisor,
                self._check,
                lambda code, output: self._ended(began, counts, code, output),
            )
        except (WherryError, OSError) as error:
            self._ended(began, counts, _KILLED, str(error).encode())

    def _ended(self, began: int, counts: bool, code: int, output: bytes) -> None:
        self._probe = None
        # With the container its probes end, or are not begun: that says nothing of its health.
        if self._stopped or self._container_has_ended():
            return
        text = output.decode("utf-8", "replace")
        if len(output) > LONGEST_OUTPUT:
            text = output[:LONGEST_OUTPUT].decode("utf-8", "replace") + "..."
        result = HealthResult(
            start=format_timestamp(began),
            end=format_timestamp(time.time_ns()),
            exit_code=code,
            output=text,
        )
        before = self._health
        after = next_health(before, result, self._check.retries or _RETRIES, counts=counts)
        supervisor = self._supervisor
        supervisor.record_health(after)
        self._plan_next()
        if after.status != before.status:
            container_event(
                supervisor.store, supervisor.container, f"health_status: {after.status}"
            )
            supervisor.control.health_changed(after)
            if after.status == "unhealthy":
                self._act()
        supervisor.rest()

    def _container_has_ended(self) -> bool:
        try:
            return self._supervisor.process.has_ended
        except ContainerNotRunning:
            return True

    def _act(self) -> None:
        """What --health-on-failure asks for."""
        supervisor = self._supervisor
        action = self._check.on_failure
        with suppress(ContainerNotRunning):
            if action is HealthFailureAction.KILL:
                supervisor.process.send(signal.SIGKILL)  # policy may start it again
            elif action is HealthFailureAction.RESTART:
                supervisor.restart(None, None)
            elif action is HealthFailureAction.STOP:
                supervisor.stop(None, None)


def is_checked(check: Healthcheck) -> bool:
    return bool(check.test) and check.test[0] != "NONE"


def next_health(before: Health, result: HealthResult, retries: int, *, counts: bool) -> Health:
    """The health after one more result; failures of a start period do not count."""
    log = (*before.log, result)[-KEPT_RESULTS:]
    if result.exit_code == 0:
        return Health(status="healthy", failing_streak=0, log=log)
    if before.status == "starting" and not counts:
        return replace(before, log=log)
    streak = before.failing_streak + 1
    status = "unhealthy" if streak >= retries else before.status
    return Health(status=status, failing_streak=streak, log=log)


class _Probe:
    """One execution of the check's command."""

    def __init__(
        self, supervisor: "Supervisor", check: Healthcheck, ended: Callable[[int, bytes], None]
    ) -> None:
        self._loop = supervisor.loop
        self._ended = ended
        self._output = b""
        self._timed_out = False
        timeout = check.timeout or _TIMEOUT
        self._timeout_text = f"{timeout / SECOND:g}s"
        assert supervisor.run is not None
        self._reader, writer = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        try:
            os.set_blocking(writer, True)
            nothing = os.open("/dev/null", os.O_RDONLY | os.O_CLOEXEC)
            with opened(nothing):
                self.process: Supervised = start_exec(
                    supervisor.store,
                    probe_of(supervisor.container, supervisor.run.made.spec(), check.test),
                    Stdio(stdin=nothing, stdout=writer, stderr=writer),
                )
        except BaseException:
            os.close(self._reader)
            raise
        finally:
            os.close(writer)
        self._loop.watch(self._reader, READ, self._read)
        self._loop.watch(self.process.pidfd, READ, self._process_ended)
        self._timer = self._loop.call_later(timeout / SECOND, self._time_out)

    def _read(self, _events: int) -> None:
        with suppress(BlockingIOError):
            data = os.read(self._reader, 65536)
            if not data:
                self._loop.forget(self._reader)
            if len(self._output) <= LONGEST_OUTPUT:
                self._output += data[: LONGEST_OUTPUT + 1]

    def _time_out(self) -> None:
        self._timed_out = True
        self.process.send(signal.SIGKILL)

    def _process_ended(self, _events: int) -> None:
        with suppress(ValueError, OSError):
            self._read(0)
        code = self._finish()
        if self._timed_out:
            code = _KILLED
            text = f"Health check exceeded timeout ({self._timeout_text})"
            self._output = text.encode() + (b": " + self._output if self._output else b"")
        self._ended(code, self._output)

    def _finish(self) -> int:
        self._timer.cancel()
        self._loop.forget(self._reader)
        os.close(self._reader)
        self._loop.forget(self.process.pidfd)
        return self.process.reap()

    def abandon(self) -> None:
        """The container has ended: so has the probe, or will at once."""
        self.process.send(signal.SIGKILL)
        self._finish()
