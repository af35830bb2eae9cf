"""The launcher's program: what its children can do, for the engine and for the command line.

It stands above all rooms, for it holds them warm: `shim.client` starts it by name.
"""

import sys
from pathlib import Path
from types import FunctionType

from wherry.cli import warm_command
from wherry.cli.commands import warm_modules
from wherry.engine import launch
from wherry.shim import launcher

OPERATIONS = {**launch.OPERATIONS, "command": warm_command.command}


def main() -> None:
    """Serve, as `shim.client` starts it."""
    root, run_folder = map(Path, sys.argv[-2:])
    launch.warm(root, run_folder)
    for name in warm_modules():
        __import__(name)
    _load_what_commands_import_late()
    launcher.serve(OPERATIONS, run_folder, launch.wake, lambda: launch.rehearse(root, run_folder))


def _load_what_commands_import_late() -> None:
    """Import what functions of the command line import when they are called.

    They do so to start fast; here a fork is to find it loaded. The names of modules that a
    function imports are among the names of its code.
    """
    commands = [module for name, module in sys.modules.items() if name.startswith("wherry.cli.")]
    for module in commands:
        for value in vars(module).values():
            if isinstance(value, FunctionType):
                for name in value.__code__.co_names:
                    if name.startswith("wherry."):
                        __import__(name)
