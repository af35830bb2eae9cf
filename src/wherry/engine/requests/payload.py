"""The payloads of requests, whose values are what marshal made of them."""

import socket
from collections.abc import Mapping
from pathlib import Path

from wherry.engine.engine import Engine
from wherry.oci.container_config import ContainerConfig
from wherry.shim.attach import Attachment
from wherry.shim.control import attachment_of
from wherry.shim.detach_keys import parse_detach_keys
from wherry.shim.request import Request

# The engine of a child that has rehearsed.
prepared: list[Engine] = []


def engine_of(payload: Mapping[str, object]) -> Engine:
    """The engine of the folders that a request is about."""
    folders = (Path(str(payload["root"])), Path(str(payload["run"])))
    for engine in prepared:
        if (engine.store.root, engine.store.run) == folders and engine.store.database.is_in_place:
            return engine
    return Engine(*folders)


def others_of(request: Request, keys: bytes) -> list[tuple[socket.socket, Attachment]]:
    """The connections of clients of the API that came along, with what each wants."""
    wanted = request.payload.get("others")
    if not isinstance(wanted, (list, tuple)):
        return []
    descriptors = [request.descriptors.pop(0) for _ in range(len(request.descriptors))]
    return [
        (
            socket.socket(fileno=descriptor),
            attachment_of({"keys": keys, **mapping(each)}, first=True),
        )
        for descriptor, each in zip(descriptors, wanted, strict=True)
    ]


def attachment_for(config: ContainerConfig, payload: Mapping[str, object]) -> Attachment | None:
    """What the client that sent the request wants of the container's streams."""
    keys = keys_of(config, payload)
    wanted = payload.get("attach")
    if not isinstance(wanted, dict):
        return None
    return Attachment(
        stdin=bool(wanted.get("stdin")) and config.open_stdin,
        stdout=bool(wanted.get("stdout")),
        stderr=bool(wanted.get("stderr")),
        keys=keys,
        first=True,
    )


def keys_of(config: ContainerConfig, payload: Mapping[str, object]) -> bytes:
    """The keys that detach; only a terminal's input is searched for them."""
    keys = parse_detach_keys(str(payload.get("detach_keys") or ""))
    return keys if config.tty else b""


def words(value: object) -> tuple[str, ...]:
    return tuple(map(str, value)) if isinstance(value, (list, tuple)) else ()


def mapping(value: object) -> dict[str, object]:
    return value if isinstance(value, dict) else {}


def environment(value: object) -> dict[str, str]:
    return {str(name): str(text) for name, text in mapping(value).items()}


def number(value: object) -> int:
    return value if isinstance(value, int) else 0
