"""wherry exec"""

import posix  # os would take a millisecond, see `wherry.environment`

from wherry.cli.containers.supervised import SupervisorLost, launcher_for
from wherry.cli.flags import Boolean, FlagSet, String, Strings, Syntax, UsageError
from wherry.environment import variables
from wherry.errors import WherryError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from wherry.cli.context import Context

SYNTAX = Syntax("[OPTIONS] CONTAINER COMMAND [ARG...]", least=2, most=None, interspersed=False)

_NOT_STARTED = (126, 127)  # as shells number a program that cannot be run, or found


class Flags(FlagSet):
    detach = Boolean("d", "Detached mode: run command in the background")
    detach_keys = String("", "Override the key sequence for detaching a container")
    env = Strings("e", "Set environment variables")
    env_file = Strings("", "Read in a file of environment variables")
    interactive = Boolean("i", "Keep STDIN open even if not attached")
    privileged = Boolean("", "Give extended privileges to the command")
    tty = Boolean("t", "Allocate a pseudo-TTY")
    user = String("u", 'Username or UID (format: "<name|uid>[:<group|gid>]")')
    workdir = String("w", "Working directory inside the container")


def run(flags: Flags, context: "Context") -> None:
    try:
        _run(flags, context)
    except WherryError as error:
        if error.message.startswith("invalid argument "):  # as flags that do not fit
            from wherry.cli.containers.creation import complain  # loads the flags of `run`

            complain(context, error, "exec", SYNTAX)
            context.status = UsageError.exit_code
            return
        if error.exit_code not in _NOT_STARTED:
            error.exit_code = 1
            raise
        if flags.detach:
            error.exit_code = 1
            raise
        # Docker's engine says it where the program would have written.
        context.write(f"{error.message}\r\n")
        context.status = error.exit_code


def _run(flags: Flags, context: "Context") -> None:
    stdin = flags.interactive and not flags.detach
    if stdin and flags.tty and not posix.isatty(0):
        context.err("the input device is not a TTY")
        context.status = 1
        return
    launcher = launcher_for(context)
    name, *command = flags.operands
    options: dict[str, object] = {
        flag.attribute: flags.__dict__[flag.attribute]
        for flag in flags.declared().values()
        if flags.given(flag.attribute) and flag.attribute != "detach"
    }
    if flags.env_file:
        from wherry.cli.passed_files import readable_paths  # for the few that have one

        options["env_file"] = readable_paths(flags.env_file)
    if flags.tty:
        options |= _terminal_options(flags, context)
    connection = launcher.request(
        "exec",
        {
            "name": name,
            "command": command,
            "options": options,
            "detach": flags.detach,
            "cwd": posix.getcwd(),
            "environ": variables() if flags.env or flags.env_file else {},
        },
    )
    if flags.detach:
        connection.answer("started")
        return
    # What takes the answer is loaded while the process starts.
    from wherry.cli.containers.streaming import Attached, Orders, run_streams

    orders = Orders()
    streams = Attached(connection, stdin=stdin)

    def take(message: "dict[str, object]") -> None:
        if "started" in message and flags.tty:
            orders.ready(str(message["socket"]))
            orders.resize()

    streams.on_message = take
    # Docker passes no signals on to an exec.
    outcome = run_streams(streams, orders, tty=flags.tty, stdin=stdin, sig_proxy=False)
    if outcome.detached:
        context.err("read escape sequence")
        context.status = 1
    elif outcome.exit_code is None:
        raise SupervisorLost
    else:
        context.status = outcome.exit_code


def _terminal_options(flags: Flags, context: "Context") -> "dict[str, object]":
    # for those who are at one
    from wherry.cli.client_config import user_setting
    from wherry.cli.containers.terminal import window_size

    keys = flags.detach_keys or user_setting(context, "detachKeys")
    return {"detach_keys": keys, "size": window_size()}
