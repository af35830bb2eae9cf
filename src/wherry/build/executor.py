"""What carries out a RUN: defined here, provided by the engine above.

The builder decides what runs on which files; how a process is confined, gets a network and an
address is the same for a build as for a container, and is the engine's business.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from wherry.oci.digest import ChainID
from wherry.values import dataclass

# Called with the stream (1 or 2) and what was written to it.
Output = Callable[[int, bytes], None]


@dataclass(frozen=True, kw_only=True, slots=True)
class StepMount:
    """Something shown to one RUN. `source` is a path of the host's that is there."""

    target: str
    type: str = "bind"  # bind, tmpfs, overlay
    source: str = ""
    read_only: bool = True
    options: tuple[str, ...] = ()
    """Of a tmpfs or overlay."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RunRequest:
    """One RUN. `folder` is a staging folder with `diff` and `work` for its overlay above `top`."""

    arguments: tuple[str, ...]
    environment: tuple[str, ...]
    user: str
    working_directory: str
    top: ChainID | None
    folder: Path
    mounts: tuple[StepMount, ...] = ()
    network: str = "default"  # default, none, host
    insecure: bool = False


class Executor(Protocol):
    """Runs the commands of a build."""

    def run(self, request: RunRequest, output: Output) -> int:
        """Run the command to its end and return its exit status; whatever happens, nothing of
        it is left running. Called by a process with one thread."""

    def attach(self, request: RunRequest) -> int:
        """The same with this process's own standard streams: a shell for a person."""
