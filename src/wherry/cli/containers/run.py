"""wherry run

A client only: the flags go to the launcher, whose child makes the container and stays with it;
here are its streams, its signals and its exit status.
"""

from wherry.cli.client_config import user_setting
from wherry.cli.containers.create_flags import CreateFlags
from wherry.cli.containers.creation import (
    CIDFile,
    complain,
    creation_request,
    make_here,
    warn,
    with_image,
    write_output,
)
from wherry.cli.containers.streaming import Attached, Orders, run_streams
from wherry.cli.containers.supervised import SupervisorLost, launcher_for
from wherry.cli.containers.terminal import check_terminal, window_size
from wherry.cli.context import OutputFailed
from wherry.cli.flags import Boolean, String, Syntax
from wherry.cli.number_flags import Integer
from wherry.errors import Unavailable, WherryError
from wherry.shim.client import Connection, Launcher, is_launcher_wanted, request_of
from wherry.store.places import root_path, run_path

TYPE_CHECKING = False
if TYPE_CHECKING:
    from wherry.cli.context import Context

SYNTAX = Syntax(
    "[OPTIONS] IMAGE [COMMAND] [ARG...]", least=1, most=None, interspersed=False, failure=125
)
_NOT_FOUND = ("executable file not found", "no such file or directory")
_NOT_RUNNABLE = ("permission denied", "is a directory")


class _Seconds(Integer):
    """A number of seconds that may be left out."""

    alone = "0"


class Flags(CreateFlags):
    detach = Boolean("d", "Run container in background and print container ID")
    detach_keys = String("", "Override the key sequence for detaching a container")
    pull = String(
        "",
        'Pull image before running ("always", "missing", "never")',
        default="missing",
        default_text='"missing"',
    )
    sig_proxy = Boolean("", "Proxy received signals to the process", default=True)
    wait = _Seconds("", "With --detach, return when the container is healthy, or after SECONDS")


def run(flags: Flags, context: "Context") -> None:
    try:
        attach = _attached_streams(flags)
        if not _fits(flags, context, attach):
            return
        launcher = launcher_for(context)
        cidfile = CIDFile(flags.cidfile)

        def make(pull: str) -> None:
            connection = _request(launcher, flags, context, attach, pull)
            if attach is None:
                _run_detached(flags, context, connection, cidfile)
            else:
                _run_attached(flags, context, connection, cidfile, attach)

        try:
            with_image(flags, context, make)
        finally:
            cidfile.close()
    except OutputFailed:  # the container is none the worse for it
        raise
    except NotHealthy as error:
        context.fail(error)
        context.status = 1  # the engine did what it was asked to
    except WherryError as error:
        complain(context, error, "run", SYNTAX)
        context.status = _status_of(error, context.status)


def _status_of(error: WherryError, status: int) -> int:
    """As Docker's client has it: 125, unless the words say what a shell says with 126 and 127."""
    if error.exit_code == 1:  # nobody has said what it means
        if any(words in error.message for words in _NOT_FOUND):
            return 127
        if any(words in error.message for words in _NOT_RUNNABLE):
            return 126
    return status


def _fits(flags: Flags, context: "Context", attach: "dict[str, bool] | None") -> bool:
    """Whether the flags go together, and with the terminal there is; says what does not."""
    problem = ""
    if flags.detach and flags.attach:
        problem = "conflicting options: cannot specify both --attach and --detach"
    elif flags.given("wait") and not flags.detach:
        problem = "conflicting options: --wait can only be specified with --detach"
    elif attach is not None and not check_terminal(stdin=attach["stdin"], tty=flags.tty):
        problem = "the input device is not a TTY"
    if problem:
        context.err(problem)
        context.status = 1
    return not problem


def _attached_streams(flags: Flags) -> "dict[str, bool] | None":
    if flags.detach:
        return None
    named = {word.lower() for word in flags.attach}
    return {
        "stdin": flags.interactive or "stdin" in named,
        "stdout": not named or "stdout" in named,
        "stderr": not named or "stderr" in named,
    }


def _request(
    launcher: Launcher,
    flags: Flags,
    context: "Context",
    attach: "dict[str, bool] | None",
    pull: str,
) -> Connection:
    payload = creation_request(flags, pull)
    payload["attach"] = attach
    payload["detach_keys"] = flags.detach_keys or (
        flags.tty and user_setting(context, "detachKeys")
    )
    if flags.tty:
        payload["size"] = window_size()
    if not is_launcher_wanted():
        payload["made"] = make_here(payload, context)
    return launcher.request("run", payload)


def _run_detached(
    flags: Flags, context: "Context", connection: Connection, cidfile: "CIDFile"
) -> None:
    container_id = ""
    try:
        for message in connection.controls(write_output):
            warn(context, message)
            if "id" in message:
                container_id = str(message["id"])
                cidfile.write(container_id)
            if "started" in message:
                break
        else:
            raise SupervisorLost
    finally:
        if container_id:  # also of one that could not be started, as Docker
            context.out(container_id)
    if flags.given("wait"):
        context.flush()
        run_folder = run_path(root_path(context.root), context.run)
        _wait_until_healthy(run_folder, container_id, flags.wait)


def _wait_until_healthy(run_folder: str, container_id: str, seconds: int) -> None:
    path = f"{run_folder}/containers/{container_id}/shim.sock"
    try:
        connection = request_of(path, "wait", {"condition": "healthy", "timeout": seconds})
    except OSError:
        raise NotHealthy(container_id, "it has ended", "") from None
    for message in connection.controls():
        if "exit" in message:
            raise NotHealthy(container_id, f"it has ended with exit code {message['exit']}", "")
        if "health" in message:
            health, output = str(message["health"]), str(message.get("output") or "")
            if health not in ("healthy", "none"):
                problem = f"it is {health}"
                if health == "starting":
                    problem = f"it is not healthy after {seconds} s"
                raise NotHealthy(container_id, problem, output)
            return
    raise SupervisorLost


def _run_attached(
    flags: Flags,
    context: "Context",
    connection: Connection,
    cidfile: "CIDFile",
    attach: "dict[str, bool]",
) -> None:
    orders = Orders()
    run_folder = run_path(root_path(context.root), context.run)
    socket_path = ""

    def take(message: "dict[str, object]") -> None:
        nonlocal socket_path
        warn(context, message)
        if "id" in message:
            container_id = str(message["id"])
            cidfile.write(container_id)
            socket_path = f"{run_folder}/containers/{container_id}/shim.sock"
        if "started" in message:
            orders.ready(socket_path)

    streams = Attached(connection, stdin=attach["stdin"])
    streams.on_message = take
    outcome = run_streams(
        streams, orders, tty=flags.tty, stdin=attach["stdin"], sig_proxy=flags.sig_proxy
    )
    if outcome.detached:
        return
    if outcome.exit_code is None:
        raise SupervisorLost
    context.status = outcome.exit_code


class NotHealthy(Unavailable):
    """`run -d --wait` that waited in vain; the container goes on."""

    def __init__(self, container_id: str, problem: str, output: str) -> None:
        last = f": {output.strip()}" if output.strip() else ""
        super().__init__(f"container {container_id[:12]} is not healthy: {problem}{last}")
