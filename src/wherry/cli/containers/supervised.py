"""What the commands share that stay with a process of a container: run, exec, start, attach."""

from wherry.errors import Unavailable
from wherry.shim.client import Launcher
from wherry.store.places import root_path, run_path

TYPE_CHECKING = False
if TYPE_CHECKING:
    from wherry.cli.context import Context


class SupervisorLost(Unavailable):
    def __init__(self) -> None:
        super().__init__("error waiting for container: unexpected EOF")


def launcher_for(context: "Context") -> Launcher:
    """The launcher of the folders that the command line names."""
    root = root_path(context.root)
    return Launcher(root, run_path(root, context.run))
