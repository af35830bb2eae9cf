"""Processes beside a container's own: carried out, and gone over before there is a request."""

import os
import socket
from contextlib import suppress

from wherry.engine.containers.exec import exec_request, plan_exec
from wherry.engine.containers.orders import find_live_container
from wherry.engine.engine import Engine
from wherry.engine.requests import payload as of
from wherry.engine.requests.examples import example
from wherry.engine.requests.streams import others_of
from wherry.linux.process import start_time
from wherry.shim.events import container_event
from wherry.shim.exec import ExecFailed, ExecPlan, ExecSupervisor
from wherry.shim.exec import rehearse as rehearse_exec
from wherry.shim.protocol import control
from wherry.shim.request import Request
from wherry.store.containers import (
    Container,
    NoSuchContainer,
    State,
    Status,
    find_container,
    shim_pid_of,
)
from wherry.values import replace

_NOBODY = "-"  # a name that no container has


def carry_out_exec(request: Request) -> None:
    """Run a process in a container, and stay with it until it has ended."""
    payload = request.payload
    engine = of.engine_of(payload)
    container = find_live_container(engine, str(payload["name"]))
    command = of.words(payload.get("command"))
    wanted = exec_request(
        command,
        of.mapping(payload.get("options")),
        cwd=str(payload["cwd"]),
        environ=of.environment(payload.get("environ")),
    )
    plan = plan_exec(engine, container, wanted)
    supervisor = ExecSupervisor(engine.store, plan)
    words = " ".join(command)
    exec_id = str(payload.get("exec_id") or os.urandom(32).hex())
    attached = not payload.get("detach")
    try:
        for client, attachment in others_of(request, plan.keys):
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


def plan_exec_in_vain(engine: Engine, name: str) -> None:
    """Plan an exec in the container called `name`; without one, where this process is."""
    try:
        container = find_container(engine.store, name or _NOBODY)
        shim_pid_of(engine.store, container.id)
    except NoSuchContainer:
        container = example()
    pid = os.getpid()
    here = State(status=Status.RUNNING, pid=pid, pid_start_time=start_time(pid))
    anybody = replace(container.config, user="", group_add=())  # its users need not be here
    container = replace(container, state=here, config=anybody)
    wanted = exec_request(("true",), {}, cwd="/", environ={})
    rehearse_exec(engine.store, plan_exec(engine, container, wanted))
