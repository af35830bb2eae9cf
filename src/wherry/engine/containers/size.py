"""How much room a container takes: `ps -s`, `inspect -s` and `system df`."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

from wherry.oci.digest import ChainID
from wherry.store.containers import Container
from wherry.store.layers import chain_of

if TYPE_CHECKING:
    from wherry.engine.engine import Engine


def writable_size(engine: "Engine", container: Container) -> int:
    """Bytes of what the container wrote over its image: Docker's SizeRw."""
    return tree_size(engine.store.container_folder(container.id) / "upper")


def root_size(engine: "Engine", container: Container) -> int:
    """Bytes of the whole root filesystem: Docker's SizeRootFs."""
    top = container.details.layer_chain
    layers = chain_of(engine.store, ChainID(top) if top else None)
    return writable_size(engine, container) + sum(layer.size for layer in layers)


def tree_size(folder: Path) -> int:
    """Bytes of the files below `folder`, each inode once; what vanishes meanwhile is left out."""
    seen: set[tuple[int, int]] = set()
    total = 0
    pending = [os.fspath(folder)]
    while pending:
        try:
            entries = list(os.scandir(pending.pop()))
        except FileNotFoundError:
            continue
        for entry in entries:
            try:
                found = entry.stat(follow_symlinks=False)
            except FileNotFoundError:
                continue
            if entry.is_dir(follow_symlinks=False):
                pending.append(entry.path)
            elif (found.st_dev, found.st_ino) not in seen:
                seen.add((found.st_dev, found.st_ino))
                total += found.st_size
    return total
