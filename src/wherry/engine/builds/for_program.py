"""Builds for programs that use the library: the child's part, see `in_child`."""

import signal
from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING

from wherry.engine.builds.build import build_image, quiet
from wherry.engine.builds.failures import described
from wherry.engine.builds.for_client import Client
from wherry.engine.builds.options import BuildOptions
from wherry.engine.builds.packing import unpacked
from wherry.errors import WherryError
from wherry.shim.request import Request
from wherry.shim.stand_in import stand_in_for_client, stands_beside

if TYPE_CHECKING:
    from wherry.engine.engine import Engine


def build_for_program(engine: "Engine", request: Request) -> None:
    """Build what the program asks for, unless it may decline and would not see its files."""
    client = Client(request.socket)
    if request.payload["may_decline"] and not stands_beside(request.socket):
        client.tell(declined=True)
        return
    stand_in_for_client(request)
    with suppress(KeyboardInterrupt):
        client.interrupt_us()
        client.tell(**_outcome(engine, request.payload))
        # The client has what it wants and goes: its standard error is none to say that on.
        signal.signal(signal.SIGIO, signal.SIG_IGN)


def _outcome(engine: "Engine", payload: Mapping[str, object]) -> dict[str, object]:
    try:
        image = build_image(engine, _options(payload), quiet)
    except (WherryError, OSError) as error:
        return {"failed": described(error)}
    except KeyboardInterrupt:
        return {"interrupted": True}
    return {"built": str(image.id)}


def _options(payload: Mapping[str, object]) -> BuildOptions:
    options = payload["options"]
    assert isinstance(options, dict)
    return BuildOptions(**{name: unpacked(value) for name, value in options.items()})
