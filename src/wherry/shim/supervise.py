"""The process that stays with a container: starts it, waits, restarts it, tears down.

    start    lock ─> prepare ─> create ─> connect ─> row says running ─> start ─> answer
    exit     pidfd ─> output drained into the log ─> row ─> event ─> clients answered ─> teardown
    then     policy: row says restarting, a timer, start again; or the end, --rm's removal

It is the only writer of its container's state. Orders come over shim.sock (`control`). A step
that fails undoes those before it; a kill between any two leaves what `reconcile` repairs: until
the row says running the init waits for us and ends with us, after that its cgroup is found by ID.
"""

import signal
import socket
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress

from wherry.errors import NotFound, WherryError
from wherry.linux.cgroup.manager import open_manager
from wherry.linux.namespaces import CloneFlag, open_namespace
from wherry.linux.openat import opened
from wherry.linux.process import become_subreaper
from wherry.network.connected import Connected
from wherry.oci.container_config import NetworkAttachment
from wherry.oci.timestamps import format_timestamp, parse_timestamp
from wherry.shim.attach import Attachment, Client
from wherry.shim.control import Control
from wherry.shim.errors import ContainerNotRunning
from wherry.shim.events import container_event, died_event, started_event
from wherry.shim.health import HealthMonitor
from wherry.shim.lock import give_shim_lock, remove_run_folder
from wherry.shim.log.writer import open_log
from wherry.shim.loop import READ, Loop, Timer
from wherry.shim.networking import Networking
from wherry.shim.pausing import freeze, thaw
from wherry.shim.process import Supervised, reap_orphans
from wherry.shim.restart import Backoff, should_restart
from wherry.shim.run import Run
from wherry.shim.signals import watch_signals
from wherry.shim.sleep import FIRST_STAY, LONGEST_STAY, fall_asleep
from wherry.shim.start import create_process, exit_code_of, start_error
from wherry.shim.start_plan import Engineering, Reconnected, StartMade, StartPlan
from wherry.shim.stop_signal import stop_signal_of
from wherry.shim.streams import Streams
from wherry.store.containers import (
    Container,
    Health,
    State,
    Status,
    find_container,
    update_state,
)
from wherry.store.database import DatabaseFailed
from wherry.store.store import Store
from wherry.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from wherry.shim.keeper import Keeper

DEFAULT_STOP_TIMEOUT = 10.0
_PATIENCE = 2.0  # seconds for output after the end, of processes that left the container
_NO_ROOM = 1.0  # seconds between attempts at a row that the disk has no room for


class Supervisor:
    """A container and what it takes to keep it. One per process."""

    def __init__(
        self, store: Store, container: Container, engineering: Engineering, keeper: "Keeper"
    ) -> None:
        self.store = store
        self.container = container
        self.engineering = engineering
        self.keeper = keeper
        self.loop = Loop()
        self.run: Run | None = None
        self.control = Control(self)
        self.stop_requested = False
        self.going_down = False  # with the machine, which is nobody's wish for this container
        self.restart_wanted = False  # by order, once it has ended
        self.backoff = Backoff()
        self.stay = FIRST_STAY  # seconds of quiet before it sleeps
        self.signals = -1
        self._is_supervisor = False
        self._restart_timer: Timer | None = None
        self._kill_timer: Timer | None = None
        self._rest_timer: Timer | None = None
        self._last_clients: list[Client] = []
        self._clean_up: Callable[[], None] | None = None

    # ---- starting

    def start(
        self,
        client: socket.socket,
        attachment: Attachment | None,
        restart_count: int = 0,
        others: Sequence[tuple[socket.socket, Attachment]] = (),
    ) -> Client | None:
        """Start the container for the first time in this process.

        `client` gets the container's streams as `attachment` says, and so do `others`. What fails
        is raised, after everything was undone and recorded.
        """
        give_shim_lock(self.store, self.container.id, self.keeper)
        self._is_supervisor = True
        try:
            self.container = find_container(self.store, self.container.id)
        except NotFound:  # removed meanwhile: its run folder is what asking for the lock has made
            remove_run_folder(self.store, self.container.id)
            raise
        if self.container.status.has_shim:  # whoever wrote that was killed: we have the lock
            self.container = self.engineering.recover(self.container)
        self._adopt()
        attached = None
        try:
            plan = self._begin()
            assert self.run is not None
            if attachment is not None:
                attached = self.run.streams.new_client(client, attachment)
            for other, wanted in others:
                self.run.streams.new_client(other, wanted)
            self._carry_on(plan, restart_count=restart_count)
        except BaseException as error:
            if attached is not None:
                self.loop.forget(client.fileno())
                client.setblocking(True)
            self._start_failed(error)
            if isinstance(error, WherryError):
                raise start_error(error) from error
            raise
        return attached

    def _adopt(self) -> None:
        become_subreaper()
        self.signals = watch_signals(
            self.loop, {signal.SIGCHLD: self._reap_orphans, signal.SIGTERM: self.shut_down}
        )

    def _begin(self) -> StartPlan:
        """What comes before the process: the plan, the log, the streams."""
        with ExitStack() as undo:
            plan = self.engineering.prepare(self.container)
            undo.callback(plan.release)
            self.container = plan.container
            assert plan.spec.linux is not None
            made = StartMade(bundle=plan.bundle, spec=lambda: plan.spec, release=plan.release)
            self.run = self._run_of(made, plan.spec.linux.cgroups_path)
            undo.pop_all()
        return plan

    def _run_of(self, made: StartMade, cgroups_path: str) -> Run:
        config = self.container.config
        log = open_log(self.container, made.bundle)
        streams = Streams(self.loop, log, stdin_once=config.stdin_once, tty=config.tty)
        streams.on_client_gone = self._client_gone
        return Run(
            made=made,
            log=log,
            streams=streams,
            cgroup=open_manager(cgroups_path),
            cgroups_path=cgroups_path,
        )

    def resume(self, cgroups_path: str) -> Run:
        """Be the supervisor of a start that another process of the same keeper has made; the run,
        whose parts are to be taken up."""
        self._is_supervisor = True
        self._adopt()
        self.run = self._run_of(self.engineering.recall(self.container), cgroups_path)
        return self.run

    def _carry_on(self, plan: StartPlan, *, restart_count: int) -> None:
        """From the prepared run to a running process."""
        run = self.run
        assert run is not None
        self.control.listen()
        trace = self.store.trace
        trace("shim listens")
        starting = create_process(self.store, plan, run.streams, run.cgroup)
        trace("init waits")
        try:
            self._record(
                status=Status.RUNNING,
                pid=starting.process.pid,
                pid_start_time=starting.process.started,
                exit_code=0,
                error="",
                oom_killed=False,
                started_at=format_timestamp(time.time_ns()),
                restart_count=restart_count,
                stop_requested=False,
                health=HealthMonitor.first_state(self.container.config.healthcheck),
            )
            trace("running recorded")
            starting.go()
            trace("program started")
        except BaseException:
            starting.abort()
            raise
        run.process = starting.process
        run.began = time.monotonic()
        self.stop_requested = False
        self.watch_process(run, starting.connected)
        run.health = HealthMonitor.of(self)
        started_event(self.store, self.container)

    def watch_process(self, run: Run, connected: Connected) -> None:
        """Learn of what becomes of the process, and of who wants to reach it."""
        assert run.process is not None
        self.loop.watch(run.process.pidfd, READ, self._process_ended)
        run.networking = Networking(self.loop, self.store, self.container.id, connected)
        self._watch_oom(run)

    def _watch_oom(self, run: Run) -> None:
        with suppress(OSError):  # a kernel without the memory controller
            run.oom = run.cgroup.watch_oom()
            self.loop.watch(run.oom.fileno(), READ, lambda _events: self._look_for_oom(run))

    def _look_for_oom(self, run: Run) -> None:
        if run.oom is not None and run.oom.acknowledge():
            self._record(oom_killed=True)
            container_event(self.store, self.container, "oom")

    def catch_up_on_oom(self, run: Run, seen: int) -> None:
        """Tell of kills since the count was `seen`."""
        if run.oom is not None:
            run.oom.seen = seen
            self._look_for_oom(run)

    def _start_failed(self, error: BaseException) -> None:
        """Undo and record a start that did not come about."""
        run = self.run
        code = exit_code_of(error)
        try:
            if run is not None:
                run.streams.close_process_side()
                run.log.close()
                with suppress(DatabaseFailed):
                    self._tear_down(run)
            before = self.container.status
            status = Status.CREATED if before is Status.CREATED else Status.EXITED
            message = start_error(error).message if isinstance(error, WherryError) else str(error)
            # What cannot be recorded must not hide why: the next command repairs the row.
            with suppress(NotFound, DatabaseFailed):
                self._record(status=status, pid=0, pid_start_time=0, exit_code=code, error=message)
                if self.container.config.auto_remove:
                    self.engineering.forget(self.container)()
        finally:
            self._leave()

    # ---- ending

    def _process_ended(self, _events: int) -> None:
        run = self.run
        assert run is not None
        assert run.process is not None
        self.loop.forget(run.process.pidfd)
        code = run.process.reap()
        finished = time.time_ns()
        if run.health is not None:
            run.health.stop()
        if self._kill_timer is not None:
            self._kill_timer.cancel()
            self._kill_timer = None
        # In a pid namespace of its own all is dead by now; in a shared one the rest must go too.
        if run.cgroup.exists and run.cgroup.processes():
            run.cgroup.signal_all(signal.SIGKILL)
        run.streams.when_ended(lambda: self._ended(run, code, finished), _PATIENCE)

    def _ended(self, run: Run, code: int, finished: int) -> None:
        """All output is in: record the end, answer everyone, then tidy up."""
        self.store.trace("program ended")
        run.log.close()
        self.control.log_closed()
        try:
            self._end(run, code, finished)
        except DatabaseFailed as error:
            if not error.full:
                raise
            # Whoever waits need not wait for room on the disk; the row has to.
            self._answer(run, code)
            self.loop.call_later(_NO_ROOM, lambda: self._ended(run, code, finished))

    def _end(self, run: Run, code: int, finished: int) -> None:
        trace = self.store.trace
        self._look_for_oom(run)
        run.withdraw()  # before the answer: the next command may want the same ports
        trace("ports withdrawn")
        duration = time.monotonic() - run.began
        again = not self.restart_wanted and should_restart(
            self.container.config.restart_policy,
            code,
            self.container.state.restart_count,
            stop_requested=self.stop_requested or self.going_down,
        )
        count = self.container.state.restart_count + again
        self._record(
            status=Status.RESTARTING if again else Status.EXITED,
            pid=0,
            pid_start_time=0,
            exit_code=code,
            finished_at=format_timestamp(finished),
            restart_count=count,
            stop_requested=self.stop_requested,
            health=HealthMonitor.last_state(self.container.state.health),
        )
        trace("end recorded")
        lasted = (finished - parse_timestamp(self.container.state.started_at)) // 10**9
        died_event(self.store, self.container, exitCode=str(code), execDuration=str(lasted))
        if not again and not self.restart_wanted and self.container.config.auto_remove:
            self._clean_up = self.engineering.forget(self.container)
        self._answer(run, code)
        trace("clients answered")
        self._tear_down(run)
        trace("torn down")
        if self.restart_wanted:
            self._restart(0)
        elif again:
            delay = self.backoff.next_delay(duration)
            self._restart_timer = self.loop.call_later(delay, lambda: self._restart(count))
            self.rest()
        else:
            self._leave()
            self._stop_when_alone()

    def _answer(self, run: Run, code: int) -> None:
        for client in list(run.streams.clients):
            self._last_clients.append(client)
            client.finish(exit=code)
        self.control.exited(code)

    def _restart(self, count: int) -> None:
        """Start again in this process, by policy or by order."""
        self._restart_timer = None
        ordered, self.restart_wanted = self.restart_wanted, False
        try:
            # `update` and `rename` may have changed it.
            self.container = find_container(self.store, self.container.id)
            self._carry_on(self._begin(), restart_count=count)
        except (WherryError, OSError) as error:
            self.control.restart_failed(error)
            self._start_failed(error)
            self._stop_when_alone()
        else:
            if ordered:
                self.control.restarted()
            self.rest()

    def _tear_down(self, run: Run) -> None:
        run.tear_down(self.loop)
        self.run = None

    def _leave(self) -> None:
        """Stop being the supervisor: whoever starts the container next may go ahead."""
        self.control.close()
        clean_up, self._clean_up = self._clean_up, None
        try:
            if clean_up is not None:
                clean_up()
        finally:
            remove_run_folder(self.store, self.container.id)
            self._is_supervisor = False
            self.keeper.leave()
            self.store.database.close()

    def _client_gone(self, client: Client) -> None:
        if client in self._last_clients:
            self._last_clients.remove(client)
        if client.detached:
            container_event(self.store, self.container, "detach")
            self.rest()
        if not self._is_supervisor:
            self._stop_when_alone()

    def _stop_when_alone(self) -> None:
        """End once every client has read what is its due."""
        if not self._last_clients and not self.control.busy:
            self.loop.stop()

    def answered(self) -> None:
        """An asker has its answer; with the last of them the process may end."""
        if not self._is_supervisor:
            self._stop_when_alone()

    # ---- orders

    @property
    def process(self) -> Supervised:
        """The running process, or ContainerNotRunning."""
        if self.run is None or self.run.process is None or self.run.process.pidfd < 0:
            raise ContainerNotRunning(self.container.id)
        return self.run.process

    @property
    def is_ending(self) -> bool:
        """Whether the process has ended, and its last output is still being read."""
        run = self.run
        return run is not None and run.process is not None and run.process.pidfd < 0

    def stop(self, number: int | None, timeout: float | None) -> None:
        """Ask the process to end, and after `timeout` seconds make it; negative waits for ever."""
        self._forget_ordered_restart()
        if self._restart_timer is not None:
            self._cancel_restart()
        elif self.is_ending:
            self._record_stop()
        else:
            self._stop_process(number, timeout)

    def _stop_process(self, number: int | None, timeout: float | None) -> None:
        config = self.container.config
        process = self.process
        # Recorded first: should this process be killed now, policy must not start it again.
        self._record_stop()
        self.store.trace("stop recorded")
        process.send(number or self.stop_signal)
        self._thaw()
        if timeout is None:
            wanted = config.stop_timeout
            timeout = DEFAULT_STOP_TIMEOUT if wanted is None else float(wanted)
        if self._kill_timer is not None:
            self._kill_timer.cancel()
        if timeout >= 0:
            self._kill_timer = self.loop.call_later(timeout, self._kill_now)

    @property
    def stop_signal(self) -> int:
        return stop_signal_of(self.container.config.stop_signal)

    def restart(self, number: int | None, timeout: float | None) -> None:
        """Stop the process and start it again, with today's configuration."""
        self.restart_wanted = True
        if self._restart_timer is not None:
            self._restart_timer.cancel()
            self._restart(0)
        elif not self.is_ending:
            self._stop_process(number, timeout)

    def _forget_ordered_restart(self) -> None:
        """Whoever stops or kills a container that is being restarted has the last word."""
        if self.restart_wanted:
            self.restart_wanted = False
            self.control.restart_failed(ContainerNotRunning(self.container.id))

    def _cancel_restart(self, *, by_hand: bool = True) -> None:
        assert self._restart_timer is not None
        self._restart_timer.cancel()
        self._restart_timer = None
        self._record(status=Status.EXITED, stop_requested=by_hand)
        self.control.exited(self.container.state.exit_code)
        self._leave()
        self._stop_when_alone()

    def _record_stop(self) -> None:
        if not self.going_down:
            self.stop_requested = True
            if not self.restart_wanted:
                try:
                    self._record(stop_requested=True)
                except DatabaseFailed as error:
                    if not error.full:  # it is to stop all the same
                        raise

    def _kill_now(self) -> None:
        self._kill_timer = None
        with suppress(ContainerNotRunning):
            self.control.publish_kill(signal.SIGKILL)
            self.process.send(signal.SIGKILL)
            self._thaw()

    def kill(self, number: int) -> None:
        """Send a signal. One that is meant to end the container keeps policy from restarting it."""
        is_meant_to_end = number in (signal.SIGKILL, self.stop_signal)
        if is_meant_to_end:
            self._forget_ordered_restart()
        if self._restart_timer is not None:
            if is_meant_to_end:
                self._cancel_restart()
            return
        if is_meant_to_end and self.is_ending:
            self._record_stop()
            return
        process = self.process
        if is_meant_to_end:
            self._record_stop()
        process.send(number)
        if number == signal.SIGKILL:
            self._thaw()

    def _thaw(self) -> None:
        """A frozen process does not see its signals."""
        if self.container.status is Status.PAUSED and self.run is not None:
            self.run.cgroup.thaw()

    def pause(self, frozen: bool) -> None:
        """Freeze or thaw all processes."""
        _ = self.process
        assert self.run is not None
        (freeze if frozen else thaw)(self, self.run)

    def join_network(self, attachment: NetworkAttachment) -> None:
        """Join a network while the container runs."""
        self._change_networks(
            lambda netns, connected: self.engineering.join(
                self.container, attachment, netns, connected
            )
        )

    def leave_network(self, network: str) -> None:
        """Leave a network while the container runs."""
        self._change_networks(
            lambda netns, connected: self.engineering.leave(
                self.container, network, netns, connected
            )
        )

    def _change_networks(self, change: Callable[[int, Connected], Reconnected]) -> None:
        process = self.process
        assert self.run is not None
        networking = self.run.networking
        assert networking is not None
        with opened(open_namespace(process.pid, CloneFlag.NEWNET)) as netns:
            connected = networking.pause()
            try:
                changed = change(netns, connected)
            except BaseException:
                networking.serve(connected)
                raise
        self.container = changed.container
        networking.serve(changed.connected)

    def shut_down(self) -> None:
        """The machine goes down: stop the container, and leave it to `system restore`."""
        if self._restart_timer is not None:
            self._cancel_restart(by_hand=False)
        elif self.run is not None and self.run.process is not None:
            self.going_down = True
            self.stop(None, None)

    def reload(self) -> None:
        """Take over what `update` or `rename` wrote."""
        self.container = find_container(self.store, self.container.id)
        self.store.database.close()

    # ---- small things

    def _record(self, **changes: object) -> State:
        """Write changes of the state to the container's row."""
        self.container = update_state(self.store, self.container.id, **changes)
        return self.container.state

    def record_status(self, status: Status) -> None:
        self._record(status=status)

    def record_health(self, health: Health) -> None:
        self._record(health=health)

    def _reap_orphans(self) -> None:
        run = self.run
        watched: set[int] = set()
        if run is not None and run.process is not None:
            watched.add(run.process.pid)
        if run is not None and run.health is not None:
            watched |= run.health.pids
        for pid in reap_orphans(watched):
            if run is not None and run.networking is not None:
                run.networking.process_reaped(pid)

    def rest(self) -> None:
        """Unless something happens, sleep soon, with nothing but the keeper left."""
        if self._rest_timer is not None:
            self._rest_timer.cancel()
        busy = self.loop.handled
        self._rest_timer = self.loop.call_later(self.stay, lambda: self._rest_now(busy))

    def _rest_now(self, busy: int) -> None:
        self._rest_timer = None
        if self.run is not None and self.run.networking is not None:
            self.run.networking.note()
        self.store.database.close()
        if not self._is_supervisor:
            return
        if busy == self.loop.handled:
            fall_asleep(self)
            self.stay = min(self.stay * 2, LONGEST_STAY)  # it cannot; no use to try often
        self.rest()

    def serve(self) -> None:
        """Supervise until the container has ended for good and everyone knows."""
        self.rest()
        self.loop.run()
