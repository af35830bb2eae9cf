"""The launcher's program: what its children can do, for the engine and for the command line.

It stands above all rooms, for it holds them warm: `shim.client` starts it by name.
"""

import os
import sys
from functools import partial
from pathlib import Path
from types import FunctionType
from typing import TYPE_CHECKING

from wherry import packed
from wherry.engine import launch
from wherry.engine.requests import warming
from wherry.network.ruleset_watch import RulesetWatch
from wherry.shim import memory
from wherry.shim.request import COMMAND, Request
from wherry.value_classes import compile_constructors

if TYPE_CHECKING:
    from wherry.shim.launcher import Later

_USED_BY_BUILDS = ("wherry.build.", "wherry.dockerfile.", "wherry.store.", "wherry.engine.builds.")


def command(request: Request) -> None:
    """Carry out a command."""
    from wherry.cli import warm_command  # what supervisors are forked from does without it

    warm_command.command(request)


OPERATIONS = {**launch.OPERATIONS, COMMAND: command}


def main() -> None:
    """Serve, as `shim.client` starts it."""
    root, run_folder = map(Path, sys.argv[-2:])
    warming.warm(root, run_folder)
    rehearse = partial(warming.rehearse, root, run_folder)
    care = _watch(root, run_folder)
    # Last, so that what the processes that stay write to lies together: each page is one apiece.
    memory.make_room()
    from wherry.shim import launcher

    launcher.serve(
        OPERATIONS,
        run_folder,
        launch.wake,
        partial(rehearse, execs=True),
        load_commands,
        care,
        rehearse_command=rehearse,
    )


def _watch(root: Path, run_folder: Path) -> RulesetWatch | None:
    """Whom the kernel tells of changes of the packet filter, where it does."""
    try:
        return RulesetWatch(root, run_folder) if os.geteuid() == 0 else None
    except OSError:
        return None


def load_commands() -> "Later":
    """Import what the commands need that a launcher carries out; what some installations need."""
    # Here, not above: what supervisors are forked from does without.
    from wherry.cli.builds.cached import BUILDS
    from wherry.cli.commands import warm_modules

    for name in ("wherry.cli.warm_command", *warm_modules()):
        __import__(name)
    _load_what_commands_import_late()
    if packed.is_void():
        _write_pack()
    return {BUILDS: load_builder}


def _write_pack() -> None:
    """Pack all that is loaded here and by commands that clients carry out; in the background."""
    from wherry.cli.commands import rows

    if os.fork() == 0:
        try:
            for row in rows():
                __import__(row.module)
            packed.refresh()
        finally:
            os._exit(0)


def load_builder() -> None:
    """Import what a build needs that finds all in its cache; not every machine builds."""
    from wherry.cli.builds.cached import BUILDER  # as above

    for name in BUILDER:
        __import__(name)
    for module in list(sys.modules.values()):
        if module.__name__.startswith(_USED_BY_BUILDS):
            compile_constructors(module)


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
