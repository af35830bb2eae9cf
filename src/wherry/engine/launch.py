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

Everything that a child needs is imported here, once, before any fork.
"""

import os
import select
import signal
import socket
from collections.abc import Callable, Mapping
from contextlib import closing, suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from wherry.engine.containers.create import create_container
from wherry.engine.containers.exec import exec_request, plan_exec
from wherry.engine.containers.guard import stand_guard
from wherry.engine.containers.options.config import config_from_options
from wherry.engine.containers.options.values import EngineRefusal
from wherry.engine.containers.orders import find_live_container
from wherry.engine.containers.prepare import prepare_start, recall_start
from wherry.engine.containers.remove import forget_container
from wherry.engine.containers.spec.build import Moment, build_spec
from wherry.engine.engine import Engine
from wherry.engine.images.resolve import parse_pull_policy
from wherry.engine.networks.membership import join_network, leave_network
from wherry.engine.reconcile import reconcile, recover_container
from wherry.errors import Conflict, InvalidArgument, WherryError
from wherry.linux.cgroup.hierarchies import hierarchies
from wherry.linux.openat import opened
from wherry.linux.process import command_line, start_time
from wherry.oci.codec import from_json, to_json
from wherry.oci.container_config import ContainerConfig, Healthcheck
from wherry.oci.image_config import (
    ContainerDefaults,
    HealthConfig,
    History,
    ImageConfig,
    RootFS,
)
from wherry.oci.runtime_spec import Namespace, Seccomp, Spec, User
from wherry.runtime.seccomp import compile_filter, is_compiled
from wherry.shim.attach import Attachment
from wherry.shim.control import attachment_of
from wherry.shim.detach_keys import parse_detach_keys
from wherry.shim.errors import AlreadyStarted
from wherry.shim.events import container_event
from wherry.shim.exec import ExecFailed, ExecPlan, ExecSupervisor
from wherry.shim.exec import rehearse as rehearse_exec
from wherry.shim.protocol import STDERR, control, frame
from wherry.shim.request import Request
from wherry.shim.sleep import answer_names, awaken, container_of, recalled
from wherry.shim.start_plan import Engineering
from wherry.shim.supervise import Supervisor
from wherry.store.containers import (
    Container,
    Details,
    Health,
    HealthResult,
    MountPoint,
    NoSuchContainer,
    State,
    Status,
    find_container,
    shim_pid_of,
    supervised_ids,
)
from wherry.store.hold import hold_open
from wherry.store.store import Store
from wherry.values import replace

if TYPE_CHECKING:
    from wherry.shim.keeper import Keeper

_ENDING = 10.0  # seconds for a launcher that was told to


def create(request: Request) -> None:
    """Make a container from the flags of `create` and tell its ID."""
    engine = engine_of(request.payload)
    reconcile(engine)
    try:
        config = _config(request.payload)
    except EngineRefusal:
        request.socket.sendall(control(understood=True))
        raise
    request.socket.sendall(control(understood=True))
    _create(engine, config, request)


def run(request: Request) -> None:
    """Make a container from the flags of `run`, tell its ID, start it."""
    payload = request.payload
    engine = engine_of(payload)
    reconcile(engine)
    try:
        config = _config(payload)
    except EngineRefusal:
        raise
    except WherryError as error:
        raise FlagsRefused(error) from error
    size = payload.get("size")
    if isinstance(size, tuple):
        config = replace(config, console_size=size)
    keys = _keys(config, payload)  # before anything is made that a wrong one would leave behind
    container = _create(engine, config, request)
    _supervise(engine, container, request, _attachment(config, payload, keys))


class FlagsRefused(InvalidArgument):
    """What the client refuses, in Docker, whatever its words: it exits with 125."""

    status = 125

    def __init__(self, error: WherryError) -> None:
        super().__init__(error.message, hint=error.hint)


def _config(payload: Mapping[str, object]) -> ContainerConfig:
    return config_from_options(
        str(payload["image"]),
        _words(payload.get("command")),
        _mapping(payload.get("options")),
        cwd=str(payload["cwd"]),
        environ=_environment(payload.get("environ")),
    )


def _create(engine: Engine, config: ContainerConfig, request: Request) -> Container:
    payload = request.payload

    def notify(line: str) -> None:
        request.socket.sendall(frame(STDERR, f"{line}\n".encode()))

    container = create_container(
        engine,
        config,
        str(payload.get("name") or "") or None,
        pull=parse_pull_policy(str(payload.get("pull") or "")),
        notify=None if payload.get("quiet") else notify,
    )
    warnings = container.details.extra.get("warnings")
    request.socket.sendall(control(id=container.id, warnings=warnings))
    return container


def start(request: Request) -> None:
    """Start a container that exists; with `restart_count` one whose supervisor was killed."""
    payload = request.payload
    engine = engine_of(payload)
    if "restart_count" in payload:  # from `reconcile`
        container = find_container(engine.store, str(payload["name"]))
        _supervise(engine, container, request, None, _number(payload["restart_count"]))
        return
    reconcile(engine)
    container = find_live_container(engine, str(payload["name"]))
    if container.status is Status.PAUSED:
        raise Conflict("cannot start a paused container, try unpause instead")
    if container.status in (Status.REMOVING, Status.DEAD):
        raise Conflict("container is marked for removal and cannot be started")
    config = container.config
    attachment = _attachment(config, payload, _keys(config, payload))
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
    payload = request.payload
    engine = engine_of(payload)
    container = find_live_container(engine, str(payload["name"]))
    command = _words(payload.get("command"))
    wanted = exec_request(
        command,
        _mapping(payload.get("options")),
        cwd=str(payload["cwd"]),
        environ=_environment(payload.get("environ")),
    )
    plan = plan_exec(engine, container, wanted)
    supervisor = ExecSupervisor(engine.store, plan)
    words = " ".join(command)
    exec_id = str(payload.get("exec_id") or os.urandom(32).hex())
    attached = not payload.get("detach")
    try:
        for client, attachment in _others(request, plan.keys):
            supervisor.start(client, attachment)
            break
        else:
            supervisor.start(request.socket if attached else None)
    except ExecFailed:
        _publish_exec(engine, container, f"exec_create: {words}", exec_id)
        raise
    if payload.get("watch"):
        _tell_watcher(request.socket, supervisor, plan)
    elif attached:
        supervisor.tell(started=True, socket=str(plan.socket_path))
    else:
        with request.socket as client:
            client.sendall(control(started=True, id=exec_id))

    published = False

    def publish() -> None:
        nonlocal published
        published = True
        if "exec_id" not in payload:  # whoever chose it has told
            _publish_exec(engine, container, f"exec_create: {words}", exec_id)
        _publish_exec(engine, container, f"exec_start: {words}", exec_id)

    def settle() -> None:
        publish()
        engine.store.database.close()
        request.keeper.leave()  # nothing of an exec is to be small

    code = supervisor.run(settle)
    if not published:
        publish()
    container_event(engine.store, container, "exec_die", execID=exec_id, exitCode=str(code))


def _tell_watcher(sock: socket.socket, supervisor: ExecSupervisor, plan: ExecPlan) -> None:
    """Tell the API's service, whose client has the streams, of the beginning and of the end."""
    sock.sendall(control(started=True, pid=supervisor.pid, socket=str(plan.socket_path)))

    def tell_end(code: int) -> None:
        with suppress(OSError):  # the service was restarted meanwhile
            sock.sendall(control(exit=code))

    supervisor.on_end = tell_end


def _publish_exec(engine: Engine, container: Container, action: str, exec_id: str) -> None:
    container_event(engine.store, container, action, execID=exec_id)


def build(request: Request) -> None:
    """Build an image for a client of the API."""
    from wherry.engine.builds.for_client import build_for_client  # the builder, for builds only

    build_for_client(engine_of(request.payload), request)


def solve(request: Request) -> None:
    """Build for a client of BuildKit's protocol."""
    from wherry.engine.builds.for_session import build_for_session  # as above

    build_for_session(engine_of(request.payload), request)


def library(request: Request) -> None:
    """Build for a program that uses the library."""
    from wherry.engine.builds.for_program import build_for_program  # as above

    build_for_program(engine_of(request.payload), request)


def find(request: Request) -> None:
    """Tell what a client must know to attach to a container."""
    container = find_live_container(engine_of(request.payload), str(request.payload["name"]))
    config = container.config
    answer = {
        "id": container.id,
        "status": container.status.value,
        "tty": config.tty,
        "stdin": config.open_stdin,
        "keys": _keys(config, request.payload),
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
    stand_guard(engine_of(request.payload), str(request.payload["name"]), request.socket)


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


# What functions import when they need it, so that what does without a launcher starts sooner.
LATE = ("wherry.shim.names",)


def warm(root: Path, run_folder: Path) -> None:
    """Fill what is remembered for a process's life, so that each child finds it there."""
    for name in LATE:
        __import__(name)
    hierarchies()
    _use_documents()
    spec = _use_spec()
    with suppress(WherryError, OSError):  # each request that meets it will say what is wrong
        if spec.linux is not None and spec.linux.seccomp is not None:
            filters = root / "seccomp"
            if not is_compiled(spec.linux.seccomp, filters):
                _in_a_child(partial(_begin, root, run_folder, spec.linux.seccomp))
            compile_filter(spec.linux.seccomp, filters)
        with closing(Store(root, run_folder).database) as database:
            hold_open(database)


def _begin(root: Path, run_folder: Path, section: Seccomp) -> None:
    """Make what a new installation needs. It takes modules that few processes use, and some that
    run hooks in each fork."""
    with closing(Store(root, run_folder).database) as database:
        _ = database.connection
    compile_filter(section, root / "seccomp")


def _in_a_child(work: Callable[[], None]) -> None:
    child = os.fork()
    if child == 0:
        try:
            with suppress(WherryError, OSError):  # as above
                work()
        finally:
            os._exit(0)
    os.waitpid(child, 0)


def rehearse(root: Path, run_folder: Path, *, execs: bool = False) -> None:
    """What a child can do before it has a request, so that the request need not wait for it.

    After a fork the first touch of each page of memory costs a copy: it is touched here. Only
    where `execs` are carried out as well, what these touch; that once more when somebody knocks,
    for by then other programs have had the processor's caches.
    """
    engine = _prepared[0] if _prepared else Engine(root, run_folder)
    if not _prepared:
        _use_documents()
        _use_spec()
    with suppress(WherryError, OSError):  # the request will say what is wrong
        running = supervised_ids(engine.store)
        if not _prepared:
            _prepared.append(engine)
        if execs:
            plan_exec_in_vain(engine, next(iter(running), ""))


# The engine of a child that has rehearsed.
_prepared: list[Engine] = []
_NOBODY = "-"  # a name that no container has


def plan_exec_in_vain(engine: Engine, name: str) -> None:
    """Plan an exec in the container called `name`; without one, where this process is."""
    try:
        container = find_container(engine.store, name or _NOBODY)
        shim_pid_of(engine.store, container.id)
    except NoSuchContainer:
        container = _example()
    pid = os.getpid()
    here = State(status=Status.RUNNING, pid=pid, pid_start_time=start_time(pid))
    anybody = replace(container.config, user="", group_add=())  # its users need not be here
    container = replace(container, state=here, config=anybody)
    wanted = exec_request(("true",), {}, cwd="/", environ={})
    rehearse_exec(engine.store, plan_exec(engine, container, wanted))


def _use_documents() -> None:
    """Write and read the documents of images and containers: each class's codec is then made."""
    container = _example()
    from_json(Container, to_json(container))
    from_json(ContainerConfig, to_json(container.config))
    from_json(Details, to_json(container.details))
    from_json(State, to_json(container.state))
    defaults = ContainerDefaults(healthcheck=HealthConfig())
    rootfs = RootFS(type="layers", diff_ids=())
    image = ImageConfig(rootfs=rootfs, config=defaults, history=(History(),))
    ImageConfig.from_bytes(image.to_bytes())


def _use_spec() -> Spec:
    """Resolve the default configuration of the runtime."""
    namespaces = tuple(Namespace(type=kind) for kind in ("mount", "pid", "network", "ipc", "uts"))
    moment = Moment(user=User(), hostname="", namespaces=namespaces, mounts=())
    spec = build_spec(_example(), "rootfs", moment)
    to_json(spec)
    return spec


def _example() -> Container:
    return Container(
        id="0" * 64,
        name="",
        image_id="",
        created="",
        config=ContainerConfig(image="", healthcheck=Healthcheck()),
        details=Details(path="/", mounts=(MountPoint(type="", destination=""),)),
        state=State(health=Health(log=(HealthResult(start="", end="", exit_code=0, output=""),))),
    )


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
        keys = _keys(container.config, request.payload)
    others = _others(request, keys)
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


# ---- payloads, whose values are what marshal made of them


def engine_of(payload: Mapping[str, object]) -> Engine:
    """The engine of the folders that a request is about."""
    folders = (Path(str(payload["root"])), Path(str(payload["run"])))
    for engine in _prepared:
        if (engine.store.root, engine.store.run) == folders and engine.store.database.is_in_place:
            return engine
    return Engine(*folders)


def _others(request: Request, keys: bytes) -> list[tuple[socket.socket, Attachment]]:
    """The connections of clients of the API that came along, with what each wants."""
    wanted = request.payload.get("others")
    if not isinstance(wanted, (list, tuple)):
        return []
    descriptors = [request.descriptors.pop(0) for _ in range(len(request.descriptors))]
    return [
        (
            socket.socket(fileno=descriptor),
            attachment_of({"keys": keys, **_mapping(each)}, first=True),
        )
        for descriptor, each in zip(descriptors, wanted, strict=True)
    ]


def _attachment(
    config: ContainerConfig, payload: Mapping[str, object], keys: bytes
) -> Attachment | None:
    wanted = payload.get("attach")
    if not isinstance(wanted, dict):
        return None
    return Attachment(
        stdin=bool(wanted.get("stdin")) and config.open_stdin,
        stdout=bool(wanted.get("stdout")),
        stderr=bool(wanted.get("stderr")),
        keys=keys,
        first=True,
    )


def _keys(config: ContainerConfig, payload: Mapping[str, object]) -> bytes:
    """The keys that detach; only a terminal's input is searched for them."""
    keys = parse_detach_keys(str(payload.get("detach_keys") or ""))
    return keys if config.tty else b""


def _words(value: object) -> tuple[str, ...]:
    return tuple(map(str, value)) if isinstance(value, (list, tuple)) else ()


def _mapping(value: object) -> dict[str, object]:
    return value if isinstance(value, dict) else {}


def _environment(value: object) -> dict[str, str]:
    return {str(name): str(text) for name, text in _mapping(value).items()}


def _number(value: object) -> int:
    return value if isinstance(value, int) else 0
