"""What `run` and `create` share besides their flags: the request, --cidfile, complaints."""

import os

from wherry.cli.containers.create_flags import CreateFlags, options_of
from wherry.cli.containers.streaming import write_all
from wherry.errors import InvalidArgument, WherryError
from wherry.shim.protocol import STDERR

TYPE_CHECKING = False
if TYPE_CHECKING:
    from wherry.cli.context import Context
    from wherry.cli.flags import Syntax

_PULL = ("always", "missing", "never")


def creation_request(flags: CreateFlags) -> "dict[str, object]":
    """What the launcher must know to make the container; refuses a wrong --pull."""
    if flags.pull not in _PULL:
        raise InvalidArgument(
            f'invalid pull option: \'{flags.pull}\': must be one of "always", "missing" or "never"'
        )
    image, *command = flags.operands
    return {
        "image": image,
        "command": command,
        "name": flags.name,
        "options": options_of(flags),
        "cwd": os.getcwd(),
        "environ": dict(os.environ),
        "pull": flags.pull,
        "quiet": flags.quiet,
    }


def complain(context: "Context", error: WherryError, command: str, syntax: "Syntax") -> None:
    """Report what is wrong with the flags of `command`, and where they are explained."""
    if error.message.startswith("invalid argument ") and " flag: " in error.message:
        context.err(f"{error.message}\n\nUsage:  wherry {command} {syntax.usage}")
        context.status = context.status_of(error)
    else:
        context.fail(error)
    context.err(f"\nRun 'wherry {command} --help' for more information")


class CIDFileRefused(InvalidArgument):
    pass


class CIDFile:
    """--cidfile: made before the container, and gone again if there is none."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._descriptor = -1
        self._written = False
        if not path:
            return
        if os.path.lexists(path):
            raise CIDFileRefused(
                "container ID file found, make sure the other container isn't running or"
                f" delete {path}"
            )
        try:
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
            self._descriptor = os.open(path, flags, 0o644)
        except OSError as error:
            reason = (error.strerror or "").lower()
            message = f"failed to create the container ID file: open {path}: {reason}"
            raise CIDFileRefused(message) from error

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


def warn(context: "Context", message: "dict[str, object]") -> None:
    """Print the warnings that came with a message."""
    warnings = message.get("warnings")
    if isinstance(warnings, (list, tuple)):
        for text in warnings:
            context.err(f"WARNING: {text}")


def write_output(stream: int, text: bytes) -> None:
    """What a request says for people: `controls` hands it on."""
    write_all(2 if stream == STDERR else 1, text)
