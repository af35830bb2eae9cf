"""Building for a program that uses the library: what runs anything forks no containers of its own.

program                                         child (`for_program`)
options, environment, folder, descriptors ──>   the builder, sealed and with one thread
declined                                  <──   it does not see the program's files, being the
                                                launcher's; then the program's own child is asked
built, or failed                          <──   how it ended
closes its end                            ──>   stops, and takes away what it has begun
"""

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import TYPE_CHECKING

from wherry.engine.builds.failures import made_again
from wherry.engine.builds.options import BuildOptions
from wherry.engine.builds.packing import CannotBePacked, packed
from wherry.engine.containers.orders import launcher_of
from wherry.engine.privilege import check_root
from wherry.errors import InvalidArgument, WherryError
from wherry.linux.openat import opened
from wherry.oci.digest import Digest
from wherry.shim.client import Connection, SupervisorGone
from wherry.values import fields

if TYPE_CHECKING:
    from wherry.engine.engine import Engine

_OPERATION = "library"


class InvalidOption(InvalidArgument):
    def __init__(self, name: str, value: object) -> None:
        super().__init__(f"invalid value of build's option {name}: a {type(value).__name__}")


def build_in_child(engine: "Engine", options: BuildOptions) -> Digest:
    """Build the image; its ID. Raises what `build_image` does."""
    check_root("builds")
    payload = {"options": _packed(options), "environ": dict(os.environ)}
    launcher = launcher_of(engine)
    with _our_descriptors() as ours:
        image = _answer(launcher.request(_OPERATION, {**payload, "may_decline": True}, ours))
        if image is None:
            payload["may_decline"] = False
            image = _answer(launcher.request_of_own_child(_OPERATION, payload, ours))
    assert image is not None
    return image


def _packed(options: BuildOptions) -> dict[str, object]:
    values = {}
    for field in fields(options):
        value = getattr(options, field.name)
        try:
            values[field.name] = packed(value)
        except CannotBePacked:
            raise InvalidOption(field.name, value) from None
    return values


@contextmanager
def _our_descriptors() -> Iterator[list[int]]:
    """What `wherry.shim.stand_in` needs. A standard one that is closed is /dev/null."""
    with ExitStack() as undo:
        descriptors = []
        for number in range(3):
            try:
                os.fstat(number)
            except OSError:
                descriptors.append(os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC))
                undo.callback(os.close, descriptors[-1])
            else:
                descriptors.append(number)
        folder = undo.enter_context(opened(os.open(".", os.O_PATH | os.O_CLOEXEC)))
        yield [*descriptors, folder]


def _answer(connection: Connection) -> Digest | None:
    """The image, or None if the child has declined; the error that it tells is raised."""
    try:
        answer = next(connection.controls(), None)
    except WherryError:
        raise
    except BaseException:  # an interrupt, or what else a handler of the program's raises
        _stop(connection)
        raise
    finally:
        connection.close()
    if answer is None:
        raise SupervisorGone
    if "failed" in answer:
        raise made_again(answer["failed"])
    return None if "declined" in answer else Digest(str(answer["built"]))


def _stop(connection: Connection) -> None:
    """End the build, and wait until what it had begun is away, as if it were this process's own."""
    connection.end_input()
    with suppress(WherryError):
        next(connection.controls(), None)
