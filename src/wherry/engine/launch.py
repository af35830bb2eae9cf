"""What the engine has the launcher hold warm, and what the children it forks can do.

    create   make a container
    run      make a container, then as start
    start    become the supervisor of a container, answering as far as the client wants to know
    exec     run a process in a container and stay with it
    build    build an image for a client of the API
    solve    the same for one of BuildKit's protocol
    library  build an image for a program that uses the library
    guard    remove a container when its user's process is gone
    find     where to attach to, for a client that loads no database
    quit     end the launcher

What a supervisor needs as long as its container lives is imported here, before any fork: by its
end another version may be installed. What is done once, at a request, is imported by then, and by
a launcher before (`requests.warming`).
"""

import os
import select
import signal
from contextlib import suppress
from pathlib import Path

from wherry.engine.containers.orders import find_live_container
from wherry.engine.containers.prepare import prepare_start, recall_start
from wherry.engine.containers.remove import forget_container
from wherry.engine.engine import Engine
from wherry.engine.networks.membership import join_network, leave_network
from wherry.engine.reconcile import reconcile, recover_container
from wherry.engine.requests import payload as of
from wherry.engine.requests.streams import attachment_for, others_of
from wherry.errors import Conflict
from wherry.linux.openat import opened
from wherry.linux.process import command_line
from wherry.shim.attach import Attachment
from wherry.shim.errors import AlreadyStarted
from wherry.shim.events import container_event
from wherry.shim.protocol import STDERR, control, frame
from wherry.shim.request import Request
from wherry.shim.sleep import answer_names, awaken, container_of, recalled
from wherry.shim.start_plan import Engineering
from wherry.shim.supervise import Supervisor
from wherry.store.containers import Container, Status, find_container
from wherry.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from wherry.engine.requests.making import Notify
    from wherry.shim.keeper import Keeper

_ENDING = 10.0  # seconds for a launcher that was told to


def create(request: Request) -> None:
    """Make a container from the flags of `create` and tell its ID."""
    from wherry.engine.requests.making import make_for_create

    def understood() -> None:
        request.socket.sendall(control(understood=True))

    engine = of.engine_of(request.payload)
    _tell_made(request, make_for_create(engine, request.payload, _teller(request), understood))


def run(request: Request) -> None:
    """Make a container from the flags of `run`, tell its ID, start it.

    A client that does without a launcher has made it, while this process was loading.
    """
    payload = request.payload
    engine = of.engine_of(payload)
    if "made" in payload:
        container = find_container(engine.store, str(payload["made"]))
    else:
        from wherry.engine.requests.making import make_for_run

        container = make_for_run(engine, payload, _teller(request))
    _tell_made(request, container)
    _supervise(engine, container, request, attachment_for(container.config, payload))


def _teller(request: Request) -> "Notify":
    return lambda line: request.socket.sendall(frame(STDERR, f"{line}\n".encode()))


def _tell_made(request: Request, container: Container) -> None:
    warnings = container.details.extra.get("warnings")
    request.socket.sendall(control(id=container.id, warnings=warnings))


def start(request: Request) -> None:
    """Start a container that exists; with `restart_count` one whose supervisor was killed."""
    payload = request.payload
    engine = of.engine_of(payload)
    if "restart_count" in payload:  # from `reconcile`
        container = find_container(engine.store, str(payload["name"]))
        _supervise(engine, container, request, None, of.number(payload["restart_count"]))
        return
    reconcile(engine)
    container = find_live_container(engine, str(payload["name"]))
    if container.status is Status.PAUSED:
        raise Conflict("cannot start a paused container, try unpause instead")
    if container.status in (Status.REMOVING, Status.DEAD):
        raise Conflict("container is marked for removal and cannot be started")
    config = container.config
    attachment = attachment_for(config, payload)
    request.socket.sendall(
        control(
            id=container.id,
            tty=config.tty,
            stdin=config.open_stdin,
            running=container.status.has_shim,
        )
    )
    if container.status.has_shim:
        raise AlreadyStarted(container)
    _supervise(engine, container, request, attachment)


def exec_(request: Request) -> None:
    """Run a process in a container, and stay with it until it has ended."""
    from wherry.engine.requests.execs import carry_out_exec

    carry_out_exec(request)


def build(request: Request) -> None:
    """Build an image for a client of the API."""
    from wherry.engine.builds.for_client import build_for_client  # the builder, for builds only

    build_for_client(of.engine_of(request.payload), request)


def solve(request: Request) -> None:
    """Build for a client of BuildKit's protocol."""
    from wherry.engine.builds.for_session import build_for_session  # as above

    build_for_session(of.engine_of(request.payload), request)


def library(request: Request) -> None:
    """Build for a program that uses the library."""
    from wherry.engine.builds.for_program import build_for_program  # as above

    build_for_program(of.engine_of(request.payload), request)


def find(request: Request) -> None:
    """Tell what a client must know to attach to a container."""
    engine = of.engine_of(request.payload)
    container = find_live_container(engine, str(request.payload["name"]))
    config = container.config
    answer = {
        "id": container.id,
        "status": container.status.value,
        "tty": config.tty,
        "stdin": config.open_stdin,
        "keys": of.keys_of(config, request.payload),
        "exit": container.state.exit_code,
    }
    request.socket.sendall(control(found=answer))


def quit_(request: Request) -> None:
    """End the launcher that forked this child; containers and their supervisors live on."""
    pid = request.keeper.launcher
    with suppress(ProcessLookupError), opened(os.pidfd_open(pid)) as launcher_of_ours:
        # Killed meanwhile, its number may be somebody else's.
        if command_line(pid) == command_line(os.getpid()):
            signal.pidfd_send_signal(launcher_of_ours, signal.SIGTERM)
            select.select([launcher_of_ours], (), (), _ENDING)
    request.socket.sendall(control(done=True))


def guard(request: Request) -> None:
    """Remove a container as soon as the client is gone."""
    from wherry.engine.containers.guard import stand_guard

    stand_guard(of.engine_of(request.payload), str(request.payload["name"]), request.socket)


OPERATIONS = {
    "create": create,
    "run": run,
    "start": start,
    "exec": exec_,
    "build": build,
    "solve": solve,
    "library": library,
    "guard": guard,
    "find": find,
    "quit": quit_,
}


def wake(keeper: "Keeper", *, descriptors: list[int], told: bool) -> None:
    """Go on where a supervisor has gone to sleep."""
    kept = recalled(descriptors)
    root, run_folder = kept["folders"]
    engine = Engine(Path(root), Path(run_folder))
    resolver = answer_names(engine.store, kept, descriptors)
    supervisor = Supervisor(engine.store, container_of(kept), engineering_of(engine), keeper)
    awaken(supervisor, kept, descriptors, resolver)
    if told:
        supervisor.shut_down()
    supervisor.serve()


def _supervise(
    engine: Engine,
    container: Container,
    request: Request,
    attachment: Attachment | None,
    restart_count: int = 0,
) -> None:
    supervisor = Supervisor(engine.store, container, engineering_of(engine), request.keeper)
    keys = b""
    if request.descriptors:
        keys = of.keys_of(container.config, request.payload)
    others = others_of(request, keys)
    client = supervisor.start(request.socket, attachment, restart_count, others)
    if client is not None:
        container_event(engine.store, supervisor.container, "attach")
        client.control(started=True)
    else:
        with request.socket as asker:
            asker.sendall(control(started=True))
    supervisor.serve()


def engineering_of(engine: Engine) -> Engineering:
    """The engine's part of a container's life."""
    return Engineering(
        prepare=lambda container: prepare_start(engine, container),
        recall=lambda container: recall_start(engine, container),
        recover=lambda container: recover_container(engine, container),
        join=lambda container, attachment, netns, connected: join_network(
            engine, container, attachment, netns, connected
        ),
        leave=lambda container, network, netns, connected: leave_network(
            engine, container, network, netns, connected
        ),
        # --rm takes the anonymous volumes along.
        forget=lambda container: forget_container(engine, container, volumes=True),
    )
