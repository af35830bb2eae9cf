"""wherry run

A client only: the flags go to the launcher, whose child makes the container and stays with it;
here are its streams, its signals and its exit status.
"""

import os

from wherry.cli.containers.create_flags import CreateFlags, options_of
from wherry.cli.containers.streaming import (
    Attached,
    Orders,
    Outcome,
    Terminal,
    check_terminal,
    window_size,
)
from wherry.cli.flags import Boolean, Integer, String, Syntax
from wherry.errors import InvalidArgument, MissingImage, Unavailable, WherryError
from wherry.shim.client import Connection, Launcher, request_of
from wherry.store.places import root_path, run_path

TYPE_CHECKING = False
if TYPE_CHECKING:
    from wherry.cli.context import Context

SYNTAX = Syntax(
    "[OPTIONS] IMAGE [COMMAND] [ARG...]", least=1, most=None, interspersed=False, failure=125
)
_PULL = ("always", "missing", "never")


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
        _run(flags, context)
    except WherryError as error:
        context.fail(error)
        text = "\n"
        if error.message.startswith("invalid argument ") and " flag: " in error.message:
            text = f"\nUsage:  wherry run {SYNTAX.usage}\n\n"
        context.err(f"{text}Run 'wherry run --help' for more information")


def _run(flags: Flags, context: "Context") -> None:
    attach = _attached_streams(flags)
    if flags.detach and flags.attach:
        context.err("conflicting options: cannot specify both --attach and --detach")
        context.status = 1
        return
    if attach is not None and not check_terminal(stdin=attach["stdin"], tty=flags.tty):
        context.err("the input device is not a TTY")
        context.status = 1
        return
    if flags.pull not in _PULL:
        raise InvalidArgument(
            f'invalid pull option: \'{flags.pull}\': must be one of "always", "missing" or "never"'
        )
    cidfile = CIDFile(flags.cidfile)
    try:
        if flags.pull == "always":
            pull_for_container(flags, context)
            _run_once(flags, context, cidfile, attach, "never")
            return
        try:
            _run_once(flags, context, cidfile, attach, flags.pull)
        except MissingImage:
            if flags.pull != "missing":
                raise
            pull_for_container(flags, context)
            _run_once(flags, context, cidfile, attach, "never")
    finally:
        cidfile.close()


def _run_once(
    flags: Flags,
    context: "Context",
    cidfile: "CIDFile",
    attach: "dict[str, bool] | None",
    pull: str,
) -> None:
    connection = _request(flags, context, attach, pull)
    if attach is None:
        _run_detached(flags, context, connection, cidfile)
    else:
        _run_attached(flags, context, connection, cidfile, attach)


def pull_for_container(flags: CreateFlags, context: "Context") -> None:
    """Pull the image of a container to be made; what Docker says of it goes to standard error."""
    # Most containers are made without a pull.
    from wherry.cli.context import Output
    from wherry.cli.transfers import interruptible, report_to
    from wherry.engine.images.pull import pull_image
    from wherry.oci.platform import Platform

    errors = Output(2)
    with interruptible() as transport:
        pull_image(
            context.engine,
            flags.operands[0],
            platform=Platform.parse(flags.platform) if flags.platform else None,
            report=report_to(errors, descriptor=2, quiet=flags.quiet),
            transport=transport,
        )
    # Without a launcher this process forks, and SQLite's connections must not cross a fork.
    context.engine.store.database.close()


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
    flags: Flags, context: "Context", attach: "dict[str, bool] | None", pull: str
) -> Connection:
    image, *command = flags.operands
    payload: dict[str, object] = {
        "image": image,
        "command": command,
        "name": flags.name,
        "options": options_of(flags),
        "cwd": os.getcwd(),
        "environ": dict(os.environ),
        "attach": attach,
        "detach_keys": flags.detach_keys,
        "pull": pull,
    }
    if flags.tty:
        payload["size"] = window_size()
    return launcher_for(context).request("run", payload)


def launcher_for(context: "Context") -> Launcher:
    """The launcher of the folders that the command line names."""
    root = root_path(context.root)
    return Launcher(root, run_path(root, context.run))


def _run_detached(
    flags: Flags, context: "Context", connection: Connection, cidfile: "CIDFile"
) -> None:
    container_id = ""
    for message in connection.controls():
        warn(context, message)
        if "id" in message:
            container_id = str(message["id"])
            cidfile.write(container_id)
        if "started" in message:
            break
    else:
        raise SupervisorLost
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
    shows_output = attach["stdout"] or attach["stderr"]
    socket_path = ""

    def take(message: "dict[str, object]") -> None:
        nonlocal socket_path
        warn(context, message)
        if "id" in message:
            container_id = str(message["id"])
            cidfile.write(container_id)
            socket_path = f"{run_folder}/containers/{container_id}/shim.sock"
            if not shows_output:
                context.out(container_id)
                context.flush()
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


def run_streams(
    streams: Attached, orders: Orders, *, tty: bool, stdin: bool, sig_proxy: bool
) -> Outcome:
    """Stay attached, with the terminal or the signals that belong to it."""
    if not tty:
        if sig_proxy:
            orders.pass_signals_on()
        return streams.run()
    orders.follow_window()
    if not (stdin and os.isatty(0)):
        return streams.run()
    with Terminal():
        return streams.run()


class CIDFile:
    """--cidfile: made before the container, and gone again if there is none."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._descriptor = -1
        self._written = False
        if not path:
            return
        if os.path.lexists(path):
            raise InvalidArgument(
                "container ID file found, make sure the other container isn't running or"
                f" delete {path}"
            )
        try:
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
            self._descriptor = os.open(path, flags, 0o644)
        except OSError as error:
            reason = (error.strerror or "").lower()
            message = f"failed to create the container ID file: open {path}: {reason}"
            raise InvalidArgument(message) from error

    def write(self, container_id: str) -> None:
        if self._descriptor >= 0:
            os.write(self._descriptor, container_id.encode())
            self._written = True

    def close(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
            if not self._written:
                os.unlink(self._path)


class SupervisorLost(Unavailable):
    def __init__(self) -> None:
        super().__init__("error waiting for container: unexpected EOF")


class NotHealthy(Unavailable):
    """`run -d --wait` that waited in vain; the container goes on."""

    def __init__(self, container_id: str, problem: str, output: str) -> None:
        last = f": {output.strip()}" if output.strip() else ""
        super().__init__(f"container {container_id[:12]} is not healthy: {problem}{last}")
        self.exit_code = 1


def warn(context: "Context", message: "dict[str, object]") -> None:
    """Print the warnings that came with a message."""
    warnings = message.get("warnings")
    if isinstance(warnings, (list, tuple)):
        for text in warnings:
            context.err(f"WARNING: {text}")
