"""What `run` and `create` share besides their flags: the request, --cidfile, complaints."""

import posix  # os would take a millisecond, see `wherry.environment`

from wherry.cli.containers.create_flags import CreateFlags, options_of
from wherry.cli.containers.streaming import write_all
from wherry.environment import variables
from wherry.errors import Internal, InvalidArgument, MissingImage, WherryError, os_error_text
from wherry.shim.protocol import STDERR

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from wherry.cli.context import Context
    from wherry.cli.flags import Syntax

_PULL = ("always", "missing", "never")


def with_image(
    flags: CreateFlags,
    context: "Context",
    make: "Callable[[str], None]",
    pulling: "Callable[[], object]" = lambda: None,
) -> None:
    """Call `make` with a pull policy for the engine, once there is an image as --pull wants it.

    `pulling` is called before a pull, whose failure has nothing to do with the flags. The pull is
    done in this process: the launcher and what it forks load no TLS and no threads.
    """
    if flags.pull and flags.pull not in _PULL:
        raise InvalidArgument(
            f'invalid pull option: \'{flags.pull}\': must be one of "always", "missing" or "never"'
        )
    if not flags.disable_content_trust:
        raise InvalidArgument("--disable-content-trust=false: content trust is not supported")
    if flags.pull == "always":
        pulling()
        _pull(flags, context)
        make("never")
        return
    try:
        make(flags.pull or "missing")
    except MissingImage:
        if flags.pull == "never":
            raise
        pulling()
        _pull(flags, context)
        make("never")


def _pull(flags: CreateFlags, context: "Context") -> None:
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


def creation_request(flags: CreateFlags, pull: str) -> "dict[str, object]":
    """What the launcher must know to make the container."""
    image, *command = flags.operands
    options = options_of(flags)
    for name in ("env_file", "label_file"):
        if paths := flags.__dict__[name]:
            from wherry.cli.passed_files import readable_paths  # for the few that have one

            options[name] = readable_paths(paths)
    return {
        "image": image,
        "command": command,
        "name": flags.name,
        "options": options,
        "cwd": posix.getcwd(),
        "environ": variables(),
        "pull": pull,
        "quiet": flags.quiet,
    }


def make_here(payload: "Mapping[str, object]", context: "Context") -> str:
    """Make the container of `run` in this process, while the child loads that will start it."""
    # With a launcher its child makes it.
    from wherry.engine.requests.making import make_for_run

    def tell(line: str) -> None:
        write_output(STDERR, f"{line}\n".encode())

    try:
        return make_for_run(context.engine, payload, tell).id
    except WherryError as error:
        error.exit_code = getattr(error, "status", 0) or error.exit_code
        raise
    except OSError as error:
        raise Internal(os_error_text(error)) from error


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
        try:
            flags = posix.O_WRONLY | posix.O_CREAT | posix.O_EXCL | posix.O_CLOEXEC
            self._descriptor = posix.open(path, flags, 0o644)
        except FileExistsError:
            raise CIDFileRefused(
                "container ID file found, make sure the other container isn't running or"
                f" delete {path}"
            ) from None
        except OSError as error:
            reason = (error.strerror or "").lower()
            message = f"failed to create the container ID file: open {path}: {reason}"
            raise CIDFileRefused(message) from error

    def write(self, container_id: str) -> None:
        if self._descriptor >= 0:
            posix.write(self._descriptor, container_id.encode())
            self._written = True

    def close(self) -> None:
        if self._descriptor >= 0:
            posix.close(self._descriptor)
            self._descriptor = -1
            if not self._written:
                posix.unlink(self._path)


def warn(context: "Context", message: "dict[str, object]") -> None:
    """Print the warnings that came with a message."""
    warnings = message.get("warnings")
    if isinstance(warnings, (list, tuple)):
        for text in warnings:
            context.err(f"WARNING: {text}")


def write_output(stream: int, text: bytes) -> None:
    """What a request says for people: `controls` hands it on."""
    write_all(2 if stream == STDERR else 1, text)
