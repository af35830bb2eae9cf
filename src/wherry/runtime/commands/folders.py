"""Finding containers by what the command line says."""

import os
from argparse import Namespace
from pathlib import Path

from wherry.errors import Conflict
from wherry.runtime.state import ContainerFolder, ContainerState


class InWrongState(Conflict):
    """The container is in a state in which this cannot be done; the words are runc's."""


def folder_of(options: Namespace) -> ContainerFolder:
    return ContainerFolder(Path(options.root), options.id)


def load_alive(folder: ContainerFolder, otherwise: str = "container not running") -> ContainerState:
    """The state of a container with processes, or InWrongState."""
    state = folder.load()
    if folder.status(state) == "stopped":
        raise InWrongState(otherwise)
    return state


def exit_status(status: int) -> int:
    """What a shell would say of a process that waitpid(2) told `status` of."""
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else 128 - code
