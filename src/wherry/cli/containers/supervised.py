"""What the commands share that stay with a process of a container: run, exec, start, attach."""

import os

from wherry.cli.containers.streaming import Attached, Orders, Outcome, Terminal
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


def run_streams(
    streams: Attached, orders: Orders, *, tty: bool, stdin: bool, sig_proxy: bool
) -> Outcome:
    """Stay attached, with the terminal or the signals that belong to it."""
    if sig_proxy:
        orders.pass_signals_on()
    if not tty:
        return streams.run()
    orders.follow_window()
    if not (stdin and os.isatty(0)):
        return streams.run()
    with Terminal():
        return streams.run()
