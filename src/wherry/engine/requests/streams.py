"""What the clients that sent a request, or came along with it, want of a container's streams."""

import socket
from collections.abc import Mapping

from wherry.engine.requests import payload as of
from wherry.oci.container_config import ContainerConfig
from wherry.shim.attach import Attachment
from wherry.shim.control import attachment_of
from wherry.shim.request import Request


def others_of(request: Request, keys: bytes) -> list[tuple[socket.socket, Attachment]]:
    """The connections of clients of the API that came along, with what each wants."""
    wanted = request.payload.get("others")
    if not isinstance(wanted, (list, tuple)):
        return []
    descriptors = [request.descriptors.pop(0) for _ in range(len(request.descriptors))]
    return [
        (
            socket.socket(fileno=descriptor),
            attachment_of({"keys": keys, **of.mapping(each)}, first=True),
        )
        for descriptor, each in zip(descriptors, wanted, strict=True)
    ]


def attachment_for(config: ContainerConfig, payload: Mapping[str, object]) -> Attachment | None:
    """What the client that sent the request wants of the container's streams."""
    keys = of.keys_of(config, payload)
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
