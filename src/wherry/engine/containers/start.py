"""Starting a container: its supervisor is forked from the launcher and stays with it."""

from typing import TYPE_CHECKING

from wherry.engine.containers.orders import launcher_of
from wherry.shim.client import Connection

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from wherry.engine.engine import Engine


def start_container(engine: "Engine", name: str) -> None:
    """Start the container called `name`; AlreadyStarted (NotModified) when it runs."""
    connection = launcher_of(engine).request("start", {"name": name})
    try:
        connection.answer("started")
    finally:
        connection.close()


def start_attached(
    engine: "Engine",
    name: str,
    *,
    stdin: bool = False,
    stdout: bool = True,
    stderr: bool = True,
    detach_keys: str = "",
) -> Connection:
    """Start the container and get its streams: see `shim.protocol` for what comes back."""
    attach = {"stdin": stdin, "stdout": stdout, "stderr": stderr, "detach_keys": detach_keys}
    return launcher_of(engine).request("start", {"name": name, "attach": attach})


def start_with_clients(
    engine: "Engine", name: str, clients: "Sequence[tuple[int, Mapping[str, object]]]"
) -> None:
    """Start the container with connections attached: descriptors, with what each wants.

    They see everything from the first byte on; what they want is said as in `shim.control`. The
    descriptors stay the caller's.
    """
    payload = {"name": name, "others": [dict(wanted) for _, wanted in clients]}
    descriptors = [descriptor for descriptor, _ in clients]
    connection = launcher_of(engine).request("start", payload, descriptors)
    try:
        connection.answer("started")
    finally:
        connection.close()
