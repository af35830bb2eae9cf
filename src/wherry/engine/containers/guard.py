"""A container that ends with the process that uses it, however that process ends.

A child of the launcher holds one end of a connection and the user's process the other, which
the kernel closes when that process is gone. Then the child removes the container.
"""

import socket
from contextlib import suppress

from wherry.engine.containers.orders import launcher_of
from wherry.engine.containers.remove import remove_container
from wherry.errors import NotFound
from wherry.shim.client import Connection
from wherry.shim.protocol import control
from wherry.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from wherry.engine.engine import Engine


def guard_container(engine: "Engine", container_id: str) -> Connection:
    """Have the container removed as soon as the returned connection is closed."""
    connection = launcher_of(engine).request("guard", {"name": container_id})
    connection.answer("guarding")
    return connection


def stand_guard(engine: "Engine", container_id: str, client: socket.socket) -> None:
    """The child's part: wait for the end of `client`, then remove the container."""
    client.sendall(control(guarding=True))
    with suppress(ConnectionResetError):
        while client.recv(4096):
            pass
    with suppress(NotFound):  # the user was faster
        remove_container(engine, container_id, force=True, volumes=True)
