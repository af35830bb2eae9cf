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
    """The launcher of the folders that the command line names.

    Where none is wanted this very process makes the container, and begins again from an
    interpreter that nobody can write to. To be called before anything is done or read.
    """
    root = root_path(context.root)
    launcher = Launcher(root, run_path(root, context.run))
    if not launcher.is_wanted:
        from wherry.linux.sealed import seal  # with a launcher it is that which is sealed

        seal()
    return launcher
