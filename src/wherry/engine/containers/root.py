"""Reaching the files of a container, running or not."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from wherry.linux.openat import opened
from wherry.linux.process import start_time
from wherry.oci.digest import ChainID
from wherry.store.containers import Container
from wherry.store.roots import stopped_root
from wherry.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from wherry.engine.engine import Engine


def top_layer(container: Container) -> ChainID | None:
    """The topmost layer of the container's image; None if that has no layers."""
    return ChainID(container.details.layer_chain) if container.details.layer_chain else None


@contextmanager
def container_files(engine: "Engine", container: Container) -> Iterator[int]:
    """A descriptor of the root directory without what is mounted over it; for reading."""
    with stopped_root(engine.store, container.id, top_layer(container)) as root:
        yield root


def running_root(container: Container) -> int | None:
    """A descriptor of the root directory as the container's first process sees it, with its mounts.

    None when that process is not there. Links in it must be followed inside it: `open_in_root`.
    """
    pid = container.state.pid
    if not pid:
        return None
    try:
        process = os.open(f"/proc/{pid}", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    with opened(process):
        try:
            # Looked up through one descriptor: a reused number would show another start time.
            root = os.open("root", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=process)
            if start_time(pid) == container.state.pid_start_time:
                return root
        except (FileNotFoundError, ProcessLookupError):
            return None
    os.close(root)
    return None
