"""Starting a container: its supervisor is forked from the launcher and stays with it."""

from typing import TYPE_CHECKING

from wherry.engine.containers.orders import launcher_of
from wherry.shim.client import Connection

if TYPE_CHECKING:
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
