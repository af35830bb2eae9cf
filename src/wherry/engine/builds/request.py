"""Asking for a build that a child of the launcher carries out: `for_client`, `for_session`."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from wherry.engine.containers.orders import launcher_of
from wherry.shim.client import Connection

if TYPE_CHECKING:
    from wherry.engine.engine import Engine


def request_build(
    engine: "Engine", options: Mapping[str, object], context: int, *, quiet: bool = False
) -> Connection:
    """Have an image built; `context` is a descriptor, `options` are those of `BuildOptions`.

    Who closes the connection ends the build.
    """
    payload = {"options": dict(options), "quiet": quiet}
    return launcher_of(engine).request("build", payload, [context])


def request_solve(
    engine: "Engine",
    options: Mapping[str, object],
    questions: str,
    streams: Mapping[int, int],
) -> Connection:
    """The same for a client of BuildKit's protocol. `questions` is the socket of its offers,
    `streams` are descriptors by the number that they have for the builder.
    """
    payload = {"options": dict(options), "questions": questions, "places": list(streams)}
    return launcher_of(engine).request("solve", payload, list(streams.values()))
