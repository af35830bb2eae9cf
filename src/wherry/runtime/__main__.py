"""The command `wherry-runtime`: an OCI runtime with runc's command line.

containerd, dockerd and podman call it as they call runc: global options, a command, its options.
Errors go to stderr and, with `--log`, as a line of JSON or text to a file that they read.
"""

import argparse
import json
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from importlib import import_module
from typing import NoReturn

from wherry.errors import InvalidArgument, WherryError
from wherry.linux.idmap import in_first_user_namespace
from wherry.linux.sealed import seal
from wherry.oci.runtime_spec import VERSION
from wherry.version import __version__

# Command: its module in `commands`, and its line of help.
COMMANDS = {
    "checkpoint": ("checkpoint", "refused: there is no CRIU here"),
    "create": ("create", "make a container from a bundle"),
    "delete": ("delete", "remove a stopped container"),
    "events": ("events", "print what a container uses, as it does"),
    "exec": ("exec", "run another process in a container"),
    "features": ("features", "print what this runtime can do"),
    "kill": ("kill", "send a signal to a container"),
    "list": ("list", "list the containers below --root"),
    "pause": ("pause", "stop all processes of a container"),
    "ps": ("ps", "list the processes of a container"),
    "restore": ("checkpoint", "refused: there is no CRIU here"),
    "resume": ("resume", "let the processes of a paused container go on"),
    "run": ("run", "create, start, wait and delete"),
    "spec": ("spec", "write a config.json to begin with"),
    "start": ("start", "execute the program of a created container"),
    "state": ("state", "print a container's state"),
    "update": ("update", "change limits"),
}

_MAKE_PROCESSES = frozenset(("create", "exec", "run"))


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise InvalidArgument(message)


def main(arguments: Sequence[str]) -> int:
    """Carry out one command; its exit status."""
    options = argparse.Namespace(log="", log_format="text")
    if not _MAKE_PROCESSES.isdisjoint(arguments):
        seal()  # before anything else is imported, since that would be done twice
    try:
        parser = _parser(arguments)
        _, unknown = parser.parse_known_args(arguments, options)
        if unknown and not getattr(options, "takes_anything", False):
            parser.error(f"unrecognized arguments: {' '.join(unknown)}")
        status: int = options.run(options) or 0
    except WherryError as error:
        _report(options, error.message)
        return 1
    except OSError as error:
        _report(options, f"{error.filename or ''}: {error.strerror}".lstrip(": "))
        return 1
    return status


def entry() -> None:
    """The console's way in."""
    sys.exit(main(sys.argv[1:]))


def _report(options: argparse.Namespace, message: str) -> None:
    print(message, file=sys.stderr)
    if not options.log:
        return
    moment = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    if options.log_format == "json":
        line = json.dumps({"level": "error", "msg": message, "time": moment})
    else:
        line = f"time={json.dumps(moment)} level=error msg={json.dumps(message)}"
    with suppress(OSError), open(options.log, "a") as file:
        file.write(line + "\n")


def _default_root() -> str:
    folder = os.environ.get("XDG_RUNTIME_DIR", "")
    # podman calls for an ordinary user as root of a user namespace, with that user's environment.
    is_ordinary = os.geteuid() != 0 or (
        os.environ.get("USER") != "root" and not in_first_user_namespace()
    )
    return f"{folder}/wherry-runtime" if is_ordinary and folder else "/run/wherry-runtime"


def _parser(words: Sequence[str]) -> argparse.ArgumentParser:
    parser = _Parser(prog="wherry-runtime", description=(__doc__ or "").splitlines()[0])
    version = f"wherry-runtime version {__version__}\nspec: {VERSION}"
    parser.add_argument("--version", "-v", action="version", version=version)
    parser.add_argument("--root", default=_default_root(), help="where states are kept")
    parser.add_argument("--log", default="", help="a file for errors besides stderr")
    parser.add_argument("--log-format", choices=("text", "json"), default="text")
    parser.add_argument("--debug", action="store_true", help="accepted: there are no debug logs")
    parser.add_argument(
        "--systemd-cgroup", action="store_true", help="have systemd make the cgroup, a scope"
    )
    parser.add_argument("--rootless", default="auto", help=argparse.SUPPRESS)
    parser.add_argument("--criu", default="", help=argparse.SUPPRESS)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for name, (module_name, help_) in COMMANDS.items():
        if name not in words:
            commands.add_parser(name, help=help_)  # only for the list of them
            continue
        # Each brings what it needs and nothing else: engines run many of these commands.
        module = import_module(f"wherry.runtime.commands.{module_name}")
        command = commands.add_parser(name, help=help_)
        command.set_defaults(run=module.run)
        module.arguments(command)
    return parser


if __name__ == "__main__":
    entry()
