"""Running another process in a container: what it is run as, from the container's configuration."""

import os
import stat
from collections.abc import Mapping, Sequence

from wherry.engine.containers.cgroups import cgroup_path
from wherry.engine.containers.links import linked_containers
from wherry.engine.containers.options.environment import read_environment
from wherry.engine.containers.options.values import Options
from wherry.engine.containers.orders import find_live_container, launcher_of
from wherry.engine.containers.root import running_root
from wherry.engine.containers.spec.process import spec_process
from wherry.engine.containers.spec.seccomp import seccomp_section
from wherry.engine.containers.spec.security import (
    apparmor_profile,
    container_capabilities,
    parse_security_options,
)
from wherry.errors import Conflict, InvalidArgument
from wherry.linux.openat import open_in_root, opened
from wherry.oci.runtime_spec import User
from wherry.oci.users import resolve_user
from wherry.shim.client import Connection
from wherry.shim.detach_keys import InvalidDetachKeys, parse_detach_keys
from wherry.store.containers import Container, Status
from wherry.typed import TYPE_CHECKING
from wherry.values import dataclass, field, replace

if TYPE_CHECKING:
    from wherry.engine.engine import Engine
    from wherry.shim.exec import ExecPlan

_LARGEST = 16 << 20  # bytes of a passwd file that are looked at
_PIECE = 1 << 16


class NoUserForExec(InvalidArgument):
    """Whom the process would run as is not to be found in the container."""

    status = 126

    def __init__(self, error: InvalidArgument) -> None:
        super().__init__(error.message, hint=error.hint)


@dataclass(frozen=True, kw_only=True, slots=True)
class ExecRequest:
    """The flags of `exec`, by their names."""

    command: tuple[str, ...]
    tty: bool = False
    interactive: bool = False
    privileged: bool = False
    user: str = ""
    workdir: str = ""
    detach_keys: str = ""
    env: tuple[str, ...] = ()
    size: tuple[int, ...] = field(default=())  # rows, columns


def plan_exec(engine: "Engine", container: Container, request: ExecRequest) -> "ExecPlan":
    """What is to be run in `container`, or why nothing can be."""
    # the runtime: whoever only asks does without
    from wherry.shim.exec import ExecFailed, ExecPlan, Joining

    check_running(container)
    if not request.command:
        raise InvalidArgument("No exec command specified")
    if request.workdir and not request.workdir.startswith("/"):
        raise ExecFailed(InvalidArgument("Cwd must be an absolute path"))
    keys = _detach_keys(request.detach_keys)
    config = replace(
        container.config,
        env=(*_linked_env(engine, container), *container.config.env, *request.env),
        working_dir=request.workdir or container.config.working_dir,
        tty=request.tty,
        console_size=request.size,
        privileged=request.privileged or container.config.privileged,
    )
    capabilities = container_capabilities(config)
    security = parse_security_options(config.security_options)
    process = spec_process(
        config,
        program=request.command,
        user=user_of_exec(container, request.user),
        hostname=config.hostname,
        capabilities=capabilities,
        security=security,
        apparmor=apparmor_profile(config, security),
    )
    own = container.config
    return ExecPlan(
        joining=Joining(
            container=container,
            process=process,
            cgroup_path=cgroup_path(container.id, own.limits.cgroup_parent),
            # Docker lifts the filter for --privileged containers only, not for such an exec.
            seccomp=seccomp_section(
                security, container_capabilities(own), privileged=own.privileged
            ),
        ),
        stdin=request.interactive,
        keys=keys if request.tty else b"",
        socket_path=engine.store.container_run_folder(container.id) / f"exec-{os.getpid()}.sock",
    )


def _detach_keys(text: str) -> bytes:
    try:
        return parse_detach_keys(text)
    except InvalidDetachKeys as error:
        raise InvalidArgument(f"Invalid escape keys ({text}) provided") from error


def _linked_env(engine: "Engine", container: Container) -> list[str]:
    linked = linked_containers(engine.store, container)
    return [text for link in linked for text in link.variables(container)]


def check_running(container: Container) -> None:
    """Conflict, in Docker's words, unless a process can be added."""
    if container.status is Status.PAUSED:
        raise Conflict(f"Container {container.name} is paused, unpause the container before exec")
    if container.status is Status.RESTARTING:
        raise Conflict(
            f"Container {container.id} is restarting, wait until the container is running"
        )
    if not container.status.has_process:
        raise Conflict(f"Container {container.id} is not running")


def user_of_exec(container: Container, text: str) -> User:
    """As whom `text`, or the container's own user, runs there; NoUserForExec if there is none."""
    root = running_root(container)
    if root is None:
        raise Conflict(f"Container {container.id} is not running")
    with opened(root):
        config = container.config
        try:
            return resolve_user(text or config.user, config.group_add, lambda p: _lines(root, p))
        except InvalidArgument as error:
            raise NoUserForExec(error) from error


def _lines(root: int, path: str) -> list[str]:
    """The lines of a regular file in the container; none when there is no such file."""
    try:
        descriptor = open_in_root(root, path, os.O_RDONLY | os.O_NONBLOCK)
    except OSError:
        return []
    with opened(descriptor):
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            return []
        content = bytearray()
        while len(content) < _LARGEST and (piece := os.read(descriptor, _PIECE)):
            content += piece
    return content.decode(errors="surrogateescape").split("\n")


def exec_in_container(
    engine: "Engine",
    name: str,
    command: Sequence[str],
    *,
    detach: bool = False,
    environ: Mapping[str, str] | None = None,
    **options: object,
) -> Connection:
    """Run `command` in the container called `name`; its streams as frames, see `shim.protocol`.

    `options` are the long flags of `exec` with underscores. The answer to `started` comes first,
    "exit" last; with `detach` the connection ends once it has started.
    """
    payload = {
        "name": find_live_container(engine, name).id,
        "command": tuple(command),
        "options": options,
        "detach": detach,
        "cwd": os.getcwd(),
        "environ": dict(os.environ if environ is None else environ),
    }
    return launcher_of(engine).request("exec", payload)


def exec_request(
    command: Sequence[str],
    options: Mapping[str, object],
    *,
    cwd: str,
    environ: Mapping[str, str],
) -> ExecRequest:
    """The request that the flags of `exec`, by name, describe."""
    given = Options({name: value for name, value in options.items() if name != "size"})
    size = options.get("size")
    return ExecRequest(
        command=tuple(command),
        tty=given.flag("tty"),
        interactive=given.flag("interactive"),
        privileged=given.flag("privileged"),
        user=given.text("user"),
        workdir=given.text("workdir"),
        detach_keys=given.text("detach_keys"),
        env=read_environment(given, cwd, environ),
        size=size if isinstance(size, tuple) else (),
    )
