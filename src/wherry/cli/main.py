"""The command line's way in: global options, one row of the table, one module, one exit status.

This is the one place that prints an error and the one that imports by name.
"""

import _signal as signal  # type: ignore[import-not-found]  # signal itself loads enum
import gc
import posix  # os would take a millisecond, see `wherry.environment`
import sys

from wherry.cli.commands import GROUPS, NAME, Row, find, rows
from wherry.cli.context import (
    LOG_LEVELS,
    Context,
    OutputClosed,
    OutputFailed,
    write_error,
)
from wherry.cli.flags import Boolean, FlagSet, HelpRequested, String, Strings, Syntax, UsageError
from wherry.environment import set_variable
from wherry.errors import WherryError, os_error_text

INTERRUPTED = 130
_OBJECTS_BEFORE_COLLECTION = 20_000


class GlobalFlags(FlagSet):
    """What stands before the command."""

    config = String("", "Location of client config files (environment: DOCKER_CONFIG)")
    context = String("c", "Name of the context", hidden=True, unsupported="there is no daemon")
    debug = Boolean("D", "Enable debug mode: errors come with a traceback")
    host = Strings(
        "H", "Daemon socket to connect to", hidden=True, unsupported="there is no daemon"
    )
    log_level = String(
        "l",
        'Set the logging level ("debug", "info", "warn", "error", "fatal")',
        default="info",
    )
    root = String("", "Folder of images, containers and volumes (environment: WHERRY_ROOT)")
    run_root = String("", "Folder of what lives until the machine goes down")
    version = Boolean("v", "Print version information and quit")


def entry() -> None:
    """Run the program and end the process, without the interpreter's own good-byes."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if sys.stdin is None or sys.stdout is None or sys.stderr is None:
        _open_standard_descriptors()
    # Starting makes much and drops little: to look for cycles all the while takes a millisecond.
    gc.set_threshold(_OBJECTS_BEFORE_COLLECTION)
    gc.enable()  # which whoever called us may have put off
    try:
        status = main(sys.argv[1:])
    except KeyboardInterrupt:
        status = INTERRUPTED
    except OutputClosed:
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
        posix.kill(posix.getpid(), signal.SIGPIPE)
        status = 128 + int(signal.SIGPIPE)
    # Everything that must be durable is: skipping the interpreter's finalisation saves 2 ms.
    posix._exit(status)


def _open_standard_descriptors() -> None:
    """Put /dev/null where the caller had closed a standard descriptor.

    The first file or connection to be opened would be taken for it.
    """
    import os  # few callers close any

    while (opened := os.open(os.devnull, os.O_RDWR)) <= 2:
        os.set_inheritable(opened, True)
    os.close(opened)
    sys.stdin = sys.stdin or os.fdopen(0)
    sys.stdout = sys.stdout or os.fdopen(1, "w")
    sys.stderr = sys.stderr or os.fdopen(2, "w")


def main(
    words: list[str],
    engine: "Engine | None" = None,
    on_cached: "Callable[[], None] | None" = None,
) -> int:
    """Run the command that `words` say and return its exit status.

    With an `engine` on the folders that they name it is done by that; else a launcher may.
    """
    context = Context(engine=engine)
    context.on_cached = on_cached
    context.words = [] if engine is not None else words
    try:
        _run(words, context)
        context.flush()
    except OutputFailed as error:
        write_error(error.message)
        return 1
    except WherryError as error:
        context.fail(error)
    except OSError as error:
        write_error(f"{NAME}: {os_error_text(error)}")
        return context.failure
    return context.status


def _run(words: list[str], context: Context) -> None:
    try:
        options = GlobalFlags.parse(words, interspersed=False)
    except HelpRequested:
        context.out(_top_help())
        return
    except UsageError as error:
        _usage_error(context, str(error), "", "[OPTIONS] COMMAND [ARG...]")
        return
    if options.version:
        from wherry.version import __version__

        context.out(f"Wherry version {__version__}")
        return
    if options.log_level not in LOG_LEVELS:
        write_error(f"Unable to parse logging level: {options.log_level}")
        context.status = 1
        return
    context.log_level = "debug" if options.debug else options.log_level
    context.root = options.root or None
    context.run = options.run_root or None
    if options.config:
        set_variable("DOCKER_CONFIG", options.config)
    _run_command(options.operands, context)


def _run_command(words: list[str], context: Context) -> None:
    row, count = find(words)
    if row is not None:
        if not (row.is_warm and context.words and _run_elsewhere(context)):
            _run_row(row, " ".join(words[:count]), words[count:], context)
    elif not words:
        context.err(_top_help())  # as Docker: to the output goes what was asked for
    elif words[0] == "help":
        _help_topic(words[1:], context)
    elif words[0] in GROUPS:
        _run_group(words[0], words[1:], context)
    elif words[0] == "__complete":  # what the scripts of `wherry completion` call
        _complete(words[1:], context)
    else:
        _unknown(context, words[0], "")


def _run_elsewhere(context: Context) -> bool:
    from wherry.cli.warm_client import run_in_launcher  # others need no socket

    return run_in_launcher(context.words, context)


def _run_row(row: Row, name: str, words: list[str], context: Context) -> None:
    module = _load(row)
    syntax: Syntax = module.SYNTAX
    context.failure = syntax.failure
    try:
        flags = module.Flags.parse(words, interspersed=syntax.interspersed, warn=context.err)
    except HelpRequested:
        _command_help(row, name, context)
        return
    except UsageError as error:
        _usage_error(context, str(error), name, syntax.usage)
        context.status = syntax.usage_status
        return
    complaint = _operand_complaint(syntax, len(flags.operands))
    if complaint:
        word, sentence = complaint
        context.err(
            f"{NAME}: '{NAME} {name}' {sentence}\n\n"
            f"Usage:  {f'{NAME} {name} {syntax.usage}'.rstrip()}\n\n"
            f"{word} '{NAME} {name} --help' for more information"
        )
        context.status = 1
        return
    module.run(flags, context)


def _load(row: Row) -> "CommandModule":
    # The one import by name in the program. import_module needs importlib, another 2 ms.
    __import__(row.module)
    module: CommandModule = sys.modules[row.module]
    return module


def _operand_complaint(syntax: Syntax, count: int) -> tuple[str, str] | None:
    """How Docker words a wrong number of operands, with the verb of its last line."""
    least, most = syntax.least, syntax.most
    if count >= least and (most is None or count <= most):
        return None
    if most == 0:
        return "Run", "accepts no arguments"
    if least == most:
        return "Run", f"requires {least} argument{'s' if least != 1 else ''}"
    if most is None:
        return "See", f"requires at least {least} argument{'s' if least != 1 else ''}"
    plural = "s" if most != 1 else ""
    if least == 0:
        return "Run", f"requires at most {most} argument{plural}"
    return "Run", f"requires at least {least} and at most {most} argument{plural}"


def _run_group(group: str, words: list[str], context: Context) -> None:
    from wherry.cli import help as pages

    try:
        rest = FlagSet.parse(words, interspersed=False).operands
    except HelpRequested:
        context.out(pages.group_help(group))
    except UsageError as error:
        _usage_error(context, str(error), group, "COMMAND")
    else:
        if rest:
            _unknown(context, rest[0], group)
        else:
            context.err(pages.group_help(group))


def _unknown(context: Context, word: str, group: str) -> None:
    from difflib import get_close_matches  # for those who mistype

    from wherry.cli.absent import ABSENT  # and for those who come from Docker

    prefix = f"{group} " if group else ""
    if prefix + word in ABSENT:
        context.err(f"{NAME}: there is no '{NAME} {prefix}{word}': {ABSENT[prefix + word]}")
        context.status = 1
        return
    known = [*GROUPS, *(name for row in rows() for name in row.names)]
    nearby = [name.removeprefix(prefix) for name in known if name.startswith(prefix)]
    alike = get_close_matches(word, nearby, n=1, cutoff=0.6)
    lines = [f"{NAME}: unknown command: {NAME} {prefix}{word}"]
    if alike:
        lines.append(f"Did you mean '{NAME} {prefix}{alike[0]}'?")
    if group:
        lines += ["", f"Usage:  {NAME} {group}"]
    lines += ["", f"Run '{NAME} {prefix}--help' for more information"]
    context.err("\n".join(lines))
    context.status = 1


def _usage_error(context: Context, message: str, name: str, usage: str) -> None:
    command = f"{NAME} {name}".rstrip()
    context.err(
        f"{message}\n\nUsage:  {f'{command} {usage}'.rstrip()}\n\n"
        f"Run '{command} --help' for more information"
    )
    context.status = UsageError.exit_code


def _help_topic(words: list[str], context: Context) -> None:
    row, count = find(words)
    if not words:
        context.out(_top_help())
    elif row is not None:
        _command_help(row, " ".join(words[:count]), context)
    elif words[0] in GROUPS:
        _run_group(words[0], ["--help"], context)
    else:
        context.err(f"unknown help topic: {' '.join(words)}")
        context.status = 1


def _complete(words: list[str], context: Context) -> None:
    from wherry.cli.completion.choices import lines_for  # for shells alone
    from wherry.cli.completion.place import place_in

    try:
        options = GlobalFlags.parse(words[:-1], interspersed=False)
    except WherryError:  # a line that is being written need not be right
        return
    context.root, context.run = options.root or None, options.run_root or None
    for line in lines_for(place_in(words, GlobalFlags), context):
        context.out(line)


def _top_help() -> str:
    from wherry.cli import help as pages  # texts that only --help needs

    return pages.top_help(GlobalFlags, pages.terminal_width())


def _command_help(row: Row, name: str, context: Context) -> None:
    from wherry.cli import help as pages

    module = _load(row)
    width = pages.terminal_width()
    context.out(pages.command_help(row, name, module.SYNTAX, module.Flags, width))


TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Protocol

    from wherry.engine.engine import Engine

    class CommandModule(Protocol):
        """What `commands.py` says a command's module has."""

        SYNTAX: Syntax
        Flags: type[FlagSet]

        def run(self, flags: FlagSet, context: Context) -> None: ...
