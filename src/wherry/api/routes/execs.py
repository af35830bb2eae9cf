"""Execs: made at a container, started on a connection of their own, looked at afterwards."""

import asyncio
from base64 import b64encode
from collections.abc import Mapping, Sequence
from contextlib import suppress

from wherry.api import web
from wherry.api.call import Call, json_response
from wherry.api.execs import Exec, ExecAlreadyRunning, Watch, is_taken
from wherry.api.hijack import Hijacked, go_on, hijack
from wherry.api.requests.container import console_size
from wherry.api.routes.containers import window_size
from wherry.api.routing import Route
from wherry.api.service import Service
from wherry.engine.containers.exec import check_running, user_of_exec
from wherry.engine.containers.orders import find_live_container, launcher_of
from wherry.engine.engine import Engine
from wherry.errors import Conflict, InvalidArgument, Unavailable, WherryError
from wherry.shim.client import Connection, Launcher, request_of
from wherry.shim.detach_keys import parse_detach_keys
from wherry.shim.events import container_event
from wherry.shim.knock import knock
from wherry.shim.protocol import STDOUT, frame
from wherry.store.containers import Container

_UNTIL_IT_RUNS = 10.0  # seconds, as in Docker


async def post_exec(call: Call) -> web.Response:
    fields = await call.fields(required=True)
    command = fields.texts("Cmd")
    if not command:
        raise InvalidArgument("No exec command specified")
    keys = fields.text("DetachKeys")
    parse_detach_keys(keys)
    for variable in fields.texts("Env"):
        if variable.startswith("="):
            raise InvalidArgument(f"invalid environment variable: {variable}")
    new = Exec(
        container_id="",
        command=command,
        stdin=fields.flag("AttachStdin"),
        stdout=fields.flag("AttachStdout"),
        stderr=fields.flag("AttachStderr"),
        tty=fields.flag("Tty"),
        privileged=fields.flag("Privileged"),
        user=fields.text("User"),
        workdir=fields.text("WorkingDir"),
        detach_keys=keys,
        env=tuple(filter(None, fields.texts("Env"))),  # which Docker passes over, too
        size=console_size(fields) if call.speaks("1.42") else (),
    )
    call.service.execs.make_room()
    knock(str(call.service.run))  # most clients start it at once
    container = await call.do(_announce, call.id, new)
    new.container_id = container.id
    new.user = new.user or container.config.user
    call.service.execs.add(new)
    return json_response({"Id": new.id}, 201)


def _announce(engine: Engine, name: str, new: Exec) -> Container:
    """Tell followers of events of an exec to come in a container that runs."""
    container = find_live_container(engine, name)
    check_running(container)
    if new.user:
        user_of_exec(container, new.user)
    action = f"exec_create: {' '.join(new.command)}"
    container_event(engine.store, container, action, execID=new.id)
    return container


async def post_exec_start(call: Call) -> web.StreamResponse:
    fields = await call.fields()
    chosen = call.service.execs.find(call.id)
    if chosen.started:
        raise ExecAlreadyRunning(chosen.id, ended=chosen.exit_code is not None)
    detach = fields.flag("Detach")
    # Whether it has a terminal was said when it was made; here, whether its output is framed.
    bare = fields.flag("Tty", default=chosen.tty)
    if bare and call.speaks("1.42"):
        chosen.size = console_size(fields) or chosen.size
    # Before the connection is taken, so that what is wrong by now can still be a status.
    check_running(await call.do(find_live_container, chosen.container_id))
    chosen.started = True
    if detach:
        await _run(call.service, chosen, [], None)
        return web.Response()
    connection = await hijack(call, tty=bare)
    wanted: dict[str, object] = {
        "stdin": chosen.stdin,
        "stdout": chosen.stdout,
        "stderr": chosen.stderr,
        "controls": False,
        "bare": bare,
        "early": connection.early,
    }
    return await go_on(call, _run_on(call.service, chosen, connection, wanted))


async def _run_on(
    service: Service, chosen: Exec, connection: Hijacked, wanted: dict[str, object]
) -> None:
    try:
        await _run(service, chosen, [connection.descriptor], wanted)
    except WherryError as error:
        # The head is sent: what is wrong can only be said in the stream, as Docker does.
        text = f"{error.message}\r\n".encode()
        connection.write(text if wanted["bare"] else frame(STDOUT, text))
    finally:
        connection.close()


async def _run(
    service: Service, chosen: Exec, descriptors: Sequence[int], wanted: dict[str, object] | None
) -> None:
    """Have it run; returns when it does."""
    payload = _payload(chosen, descriptors, wanted)
    # Without a thread, which would take a good part of the time that the process takes to start.
    launcher = Launcher(str(service.root), str(service.run))
    connection = launcher.offer("exec", payload, descriptors)
    try:
        if connection is None or not await is_taken(connection):
            if connection is not None:
                connection.close()
            connection = await service.workers.run_alone(_request, payload, descriptors)
        await Watch(chosen, connection).started
    except WherryError as error:
        chosen.exit_code = error.exit_code if error.exit_code in (126, 127) else 126
        raise
    finally:
        chosen.begun.set()


def _request(
    engine: Engine, payload: Mapping[str, object], descriptors: Sequence[int]
) -> Connection:
    return launcher_of(engine).request("exec", payload, descriptors)


def _payload(
    chosen: Exec, descriptors: Sequence[int], wanted: dict[str, object] | None
) -> dict[str, object]:
    return {
        "name": chosen.container_id,
        "command": chosen.command,
        "options": {
            "tty": chosen.tty,
            "interactive": chosen.stdin and bool(descriptors),
            "privileged": chosen.privileged,
            "user": chosen.user,
            "workdir": chosen.workdir,
            "detach_keys": chosen.detach_keys,
            "env": list(chosen.env),
            "size": chosen.size,
        },
        "detach": not descriptors,
        "cwd": "/",
        "environ": {},
        "exec_id": chosen.id,
        "watch": True,
        "others": [wanted] if wanted is not None else [],
    }


async def get_exec(call: Call) -> web.Response:
    found = call.service.execs.find(call.id)
    return json_response(
        {
            "ID": found.id,
            "Running": found.running,
            "ExitCode": found.exit_code,
            "ProcessConfig": {
                "tty": found.tty,
                "entrypoint": found.command[0],
                "arguments": list(found.command[1:]),
                "privileged": found.privileged,
                **({"user": found.user} if found.user else {}),
            },
            "OpenStdin": found.stdin,
            "OpenStderr": found.stderr,
            "OpenStdout": found.stdout,
            "CanRemove": False,
            "ContainerID": found.container_id,
            "DetachKeys": b64encode(parse_detach_keys(found.detach_keys)).decode()
            if found.detach_keys
            else "",
            "Pid": found.pid,
        }
    )


async def post_exec_resize(call: Call) -> web.Response:
    found = call.service.execs.find(call.id)
    height, width = window_size(call)
    with suppress(TimeoutError):  # clients ask for both at once, and do not ask again
        async with asyncio.timeout(_UNTIL_IT_RUNS):
            await found.begun.wait()
    if not found.running:
        raise Conflict(f"exec {found.id} is not running")
    if found.tty:
        await call.do(_resize, found.socket_path, height, width)
    return web.Response()


def _resize(_engine: Engine, path: str, height: int, width: int) -> None:
    try:
        connection = request_of(path, "resize", {"height": height, "width": width})
    except OSError:
        return  # it has just ended
    try:
        connection.answer("done")
    except Unavailable:
        return
    finally:
        connection.close()


ROUTES = (
    Route("POST", "/containers/{id}/exec", post_exec),
    Route("POST", "/exec/{id}/start", post_exec_start),
    Route("POST", "/exec/{id}/resize", post_exec_resize),
    Route("GET", "/exec/{id}/json", get_exec),
)
