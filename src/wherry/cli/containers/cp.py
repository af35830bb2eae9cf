"""wherry cp"""

import os

from wherry.cli.context import Context, is_terminal, write_error
from wherry.cli.files import write_out
from wherry.cli.flags import Boolean, FlagSet, Syntax
from wherry.cli.units import human_size
from wherry.errors import InvalidArgument

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

SYNTAX = Syntax(
    "[OPTIONS] CONTAINER:SRC_PATH DEST_PATH|-\n"
    "\twherry cp [OPTIONS] SRC_PATH|- CONTAINER:DEST_PATH",
    least=2,
    most=2,
    description=(
        "Copy files/folders between a container and the local filesystem\n\n"
        "Use '-' as the source to read a tar archive from stdin\n"
        "and extract it to a directory destination in a container.\n"
        "Use '-' as the destination to stream a tar archive of a\n"
        "container source to stdout."
    ),
)
_PIECE = 1 << 18


class Flags(FlagSet):
    archive = Boolean("a", "Archive mode (copy all uid/gid information)")
    follow_link = Boolean("L", "Always follow symbol link in SRC_PATH")
    quiet = Boolean(
        "q",
        "Suppress progress output during copy. Progress output is automatically suppressed if no"
        " terminal is attached",
    )


def run(flags: Flags, context: Context) -> None:
    source, destination = flags.operands
    for what, text in (("source", source), ("destination", destination)):
        if not text:
            raise InvalidArgument(f"{what} can not be empty")
    source_container, source_path = _split(source)
    container, path = _split(destination)
    if source_container and container:
        raise InvalidArgument("copying between containers is not supported")
    quiet = flags.quiet if flags.given("quiet") else not is_terminal(1)
    if source_container:
        _copy_out(flags, context, source_container, source_path, path, _Counter("from", quiet))
    elif container:
        _copy_in(flags, context, source_path, container, path, _Counter("to", quiet))
    else:
        raise InvalidArgument("must specify at least one container source")


def _split(text: str) -> tuple[str, str]:
    """The container, if any, and the path; `/a:b` and `./a:b` are local."""
    container, colon, path = text.partition(":")
    if text.startswith("/") or not colon or container.startswith("."):
        return "", text
    return container, path


def _copy_out(
    flags: Flags, context: Context, name: str, path: str, destination: str, counter: "_Counter"
) -> None:
    from wherry.engine.containers.copy import copy_archive_out, copy_out  # not for --help

    follow = flags.follow_link
    if destination == "-":
        write_out(copy_archive_out(context.engine, name, path, follow=follow))
        return
    copy_out(context.engine, name, path, destination, follow=follow, progress=counter)
    counter.finish(os.path.abspath(destination))


def _copy_in(
    flags: Flags, context: Context, source: str, name: str, path: str, counter: "_Counter"
) -> None:
    from wherry.engine.containers.copy import copy_archive_in, copy_in

    if source == "-":
        copy_archive_in(context.engine, _read_in(), name, path, own=flags.archive)
        return
    went = copy_in(
        context.engine,
        source,
        name,
        path,
        follow=flags.follow_link,
        own=flags.archive,
        progress=counter,
    )
    counter.finish(f"{name}:{went}")


def _read_in() -> "Iterator[bytes]":
    while piece := os.read(0, _PIECE):
        yield piece


class _Counter:
    """How much has been copied, shown to whoever watches a terminal."""

    def __init__(self, direction: str, quiet: bool) -> None:
        self._direction = direction
        self._quiet = quiet
        self._bytes = 0
        self._shown = ""

    def __call__(self, count: int) -> None:
        self._bytes += count
        text = f"Copying {self._direction} container - {human_size(self._bytes, 3)}"
        if not self._quiet and text != self._shown and is_terminal(2):
            os.write(2, f"\r\x1b[K{text}".encode())
            self._shown = text

    def finish(self, place: str) -> None:
        if self._quiet:
            return
        if self._shown:
            os.write(2, b"\r\x1b[K")
        write_error(f"Successfully copied {human_size(self._bytes, 3)} to {place}")
