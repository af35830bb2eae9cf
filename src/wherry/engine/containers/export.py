"""A container's root filesystem as a tar archive."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from wherry.engine.containers.root import container_files
from wherry.linux.openat import READABLE_DIRECTORY, open_in_root, opened
from wherry.store.containers import find_container
from wherry.store.pack import Packer

if TYPE_CHECKING:
    from wherry.engine.engine import Engine


def export_container(engine: "Engine", name: str) -> Iterator[bytes]:
    """The pieces of the archive. Volumes and other mounts are left out, as in Docker.

    The container may run; what it writes meanwhile may be in the archive or not.
    """
    container = find_container(engine.store, name)
    with (
        container_files(engine, container) as root,
        # The descriptor of a mount is for looking up only; this one can be listed.
        opened(open_in_root(root, "/", READABLE_DIRECTORY)) as directory,
    ):
        packer = Packer(holes=False)
        yield from packer.tree(directory)
        yield from packer.end()
    engine.events.publish(
        "container",
        "export",
        container.id,
        {"image": container.details.image_name, "name": container.name, **container.config.labels},
    )
