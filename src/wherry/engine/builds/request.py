"""Asking for a build that a child of the launcher carries out, see `for_client`."""

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
