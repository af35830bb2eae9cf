"""The command `wherry-runtime`: an OCI runtime with runc's command line.

containerd, dockerd and podman call it as they call runc: global options, a command, its options.
Errors go to stderr and, with `--log`, as a line of JSON or text to a file that they read.
"""

import argparse
import json
import os
import signal
import socket
import sys
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import NoReturn

from wherry.errors import InvalidArgument, NotFound, WherryError
from wherry.linux.files import write_atomically
from wherry.oci.codec import from_json
from wherry.oci.runtime_spec import VERSION, ConsoleSize, Process
from wherry.runtime import operations
from wherry.runtime.commands import events, pause, ps, resume, update
from wherry.runtime.commands import list as list_
from wherry.runtime.create import FLAG_OF, Created
from wherry.runtime.state import ContainerFolder
from wherry.version import __version__

DEFAULT_ROOT = "/run/wherry-runtime"


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise InvalidArgument(message)


def main(arguments: Sequence[str]) -> int:
    """Carry out one command; its exit status."""
    options = argparse.Namespace(log="", log_format="text")
    try:
        options = _parser().parse_args(arguments)
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


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="wherry-runtime", description=(__doc__ or "").splitlines()[0])
    version = f"wherry-runtime version {__version__}\nspec: {VERSION}"
    parser.add_argument("--version", "-v", action="version", version=version)
    parser.add_argument("--root", default=os.environ.get("XDG_RUNTIME_DIR_WHERRY", DEFAULT_ROOT))
    parser.add_argument("--log", default="")
    parser.add_argument("--log-format", choices=("text", "json"), default="text")
    parser.add_argument("--debug", action="store_true", help="accepted: there are no debug logs")
    parser.add_argument("--systemd-cgroup", action="store_true")
    parser.add_argument("--rootless", default="auto", help=argparse.SUPPRESS)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(name: str, run: object, help_: str, *, has_id: bool = True) -> _Parser:
        added: _Parser = commands.add_parser(name, help=help_)
        added.set_defaults(run=run)
        if has_id:
            added.add_argument("id")
        return added

    for name, run in (("create", _create), ("run", _run)):
        making = command(name, run, "make a container from a bundle")
        making.add_argument("--bundle", "-b", default=".")
        making.add_argument("--console-socket", default="")
        making.add_argument("--pid-file", default="")
        making.add_argument("--no-pivot", action="store_true")
        making.add_argument("--no-new-keyring", action="store_true")
        making.add_argument("--preserve-fds", type=int, default=0)
        if name == "run":
            making.add_argument("--detach", "-d", action="store_true")
    command("start", _start, "execute the program of a created container")
    command("state", _state, "print a container's state")
    killing = command("kill", _kill, "send a signal to a container")
    killing.add_argument("signal", nargs="?", default="SIGTERM")
    killing.add_argument("--all", "-a", action="store_true")
    deleting = command("delete", _delete, "remove a stopped container")
    deleting.add_argument("--force", "-f", action="store_true")
    _exec_arguments(command("exec", _exec, "run another process in a container"))
    for name, module, help_ in (
        ("events", events, "print what a container uses, as it does"),
        ("list", list_, "list the containers below --root"),
        ("pause", pause, "stop all processes of a container"),
        ("ps", ps, "list the processes of a container"),
        ("resume", resume, "let the processes of a paused container go on"),
        ("update", update, "change limits"),
    ):
        module.arguments(command(name, module.run, help_, has_id=False))
    command("features", _features, "print what this runtime can do", has_id=False)
    return parser


def _exec_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--process", "-p", default="")
    parser.add_argument("--detach", "-d", action="store_true")
    parser.add_argument("--tty", "-t", action="store_true")
    parser.add_argument("--console-socket", default="")
    parser.add_argument("--pid-file", default="")
    parser.add_argument("--cwd", default="")
    parser.add_argument("--env", "-e", action="append", default=[])
    parser.add_argument("--preserve-fds", type=int, default=0)
    parser.add_argument("arguments", nargs=argparse.REMAINDER)


def _folder(options: argparse.Namespace) -> ContainerFolder:
    if options.systemd_cgroup:
        raise InvalidArgument("--systemd-cgroup is not supported: cgroups are made directly")
    return ContainerFolder(Path(options.root), options.id)


def _create(options: argparse.Namespace) -> int:
    bundle = Path(options.bundle).absolute()
    operations.create(
        _folder(options),
        bundle,
        pivots=not options.no_pivot,
        keeps_descriptors=options.preserve_fds,
        publish=lambda created: _publish(created, options),
    )
    return 0


def _publish(created: Created, options: argparse.Namespace) -> None:
    """Hand out the terminal, and the pid in a file, as the caller asked."""
    for warning in created.warnings:
        print(f"warning: {warning}", file=sys.stderr)
    if created.console is not None:
        if not options.console_socket:
            raise InvalidArgument("cannot allocate tty if --console-socket is not given")
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
            client.connect(options.console_socket)
            socket.send_fds(client, [b"/dev/ptmx"], [created.console])
        os.close(created.console)
    if options.pid_file:
        write_atomically(options.pid_file, str(created.pid).encode(), durable=False)


def _run(options: argparse.Namespace) -> int:
    _create(options)
    folder = _folder(options)
    pid = folder.load().pid
    operations.start(folder)
    if options.detach:
        return 0
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, _frame: os.kill(pid, number))
    status = _exit_status(os.waitpid(pid, 0)[1])
    operations.delete(folder, force=True)
    return status


def _exit_status(status: int) -> int:
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else 128 - code


def _start(options: argparse.Namespace) -> None:
    operations.start(_folder(options))


def _state(options: argparse.Namespace) -> None:
    folder = _folder(options)
    print(json.dumps(operations.document(folder, folder.load()), indent=2))


def _kill(options: argparse.Namespace) -> None:
    operations.kill(_folder(options), _signal_number(options.signal), everyone=options.all)


def _signal_number(text: str) -> int:
    if text.isdecimal() and 0 <= int(text) < signal.NSIG:
        return int(text)
    name = text.upper()
    try:
        return signal.Signals[name if name.startswith("SIG") else f"SIG{name}"]
    except KeyError:
        raise InvalidArgument(f"unknown signal {text!r}") from None


def _delete(options: argparse.Namespace) -> None:
    try:
        operations.delete(_folder(options), force=options.force)
    except NotFound:
        if not options.force:
            raise


def _exec(options: argparse.Namespace) -> int:
    folder = _folder(options)
    created = operations.exec_in(
        folder, _process(options, folder), keeps_descriptors=options.preserve_fds
    )
    try:
        _publish(created, options)
    except BaseException:
        created.abort()
        raise
    if options.detach:
        return 0
    return _exit_status(os.waitpid(created.pid, 0)[1])


def _process(options: argparse.Namespace, folder: ContainerFolder) -> Process:
    if options.process:
        return from_json(Process, json.loads(Path(options.process).read_bytes()))
    words = options.arguments[1:] if options.arguments[:1] == ["--"] else options.arguments
    if not words:
        raise InvalidArgument("exec needs a process.json or a command")
    base = folder.load().spec.process
    assert base is not None
    size = os.get_terminal_size() if options.tty and os.isatty(0) else None
    return Process(
        cwd=options.cwd or base.cwd,
        args=tuple(words),
        env=(*base.env, *options.env),
        terminal=options.tty,
        console_size=ConsoleSize(height=size.lines, width=size.columns) if size else None,
        user=base.user,
        capabilities=base.capabilities,
        rlimits=base.rlimits,
        no_new_privileges=base.no_new_privileges,
        oom_score_adj=base.oom_score_adj,
    )


def _features(_options: argparse.Namespace) -> None:
    document = {
        "ociVersionMin": "1.0.0",
        "ociVersionMax": VERSION,
        "hooks": [
            *("prestart", "createRuntime", "createContainer"),
            *("startContainer", "poststart", "poststop"),
        ],
        "linux": {
            "namespaces": sorted(FLAG_OF),
            "cgroup": {"v1": True, "v2": True, "systemd": False},
            "seccomp": {"enabled": True},
        },
    }
    print(json.dumps(document, indent=2))


if __name__ == "__main__":
    entry()
