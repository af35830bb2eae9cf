"""The content of volumes as a whole: out to an archive and in from one, copied, under a new name.

A new volume is filled in tmp and then there in one step: a failure or a kill leaves none.
"""

import os
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from wherry.engine.containers.volume_mounts import held_volume
from wherry.linux.files import remove_tree
from wherry.linux.locks import locked_by_name
from wherry.linux.openat import READABLE_DIRECTORY, opened
from wherry.oci.timestamps import format_timestamp
from wherry.store.copying import copy_tree, extract_archive
from wherry.store.pack import Packer
from wherry.store.volumes import (
    NoSuchVolume,
    Volume,
    adopt_volume,
    check_volume,
    data_folder,
    get_volume,
    rename_volume,
)
from wherry.values import replace

if TYPE_CHECKING:
    from wherry.engine.engine import Engine


def export_volume(engine: "Engine", name: str) -> Iterator[bytes]:
    """The pieces of a tar with all that is in the volume, which may be in use."""
    volume = get_volume(engine.store, name)
    with _opened(engine, volume) as directory:
        packer = Packer()
        yield from packer.tree(directory)
        yield from packer.end()


def import_volume(engine: "Engine", name: str, chunks: Iterable[bytes]) -> Volume:
    """Unpack a tar, compressed or not, into a volume; one that is not there is made for it."""
    try:
        volume = get_volume(engine.store, name)
    except NoSuchVolume:
        return _made(engine, Volume(name=name), lambda root: extract_archive(root, "/", chunks))
    with _opened(engine, volume) as directory:
        extract_archive(directory, "/", chunks)
    return volume


def copy_volume(engine: "Engine", source: str, target: str) -> Volume:
    """A new volume with the content and labels of another; VolumeExists if it is there already."""
    volume = get_volume(engine.store, source)
    with _opened(engine, volume) as directory:
        return _made(
            engine,
            Volume(name=target, labels=volume.labels),
            lambda root: copy_tree(directory, root),
        )


def move_volume(engine: "Engine", old: str, new: str) -> Volume:
    """Give a volume another name; VolumeInUse while a container, running or not, has it."""
    volume = rename_volume(engine.store, old, new)
    attributes = {"driver": volume.driver, "oldName": old}
    engine.events.publish("volume", "rename", new, attributes)
    return volume


@contextmanager
def _opened(engine: "Engine", volume: Volume) -> Iterator[int]:
    """A descriptor of the volume's folder, with what is to be mounted there mounted."""
    store = engine.store
    folder = data_folder(store, volume.name)
    if not volume.options:
        with opened(os.open(folder, READABLE_DIRECTORY | os.O_CLOEXEC)) as directory:
            yield directory
        return
    with (
        locked_by_name(store.run / f"volume-{volume.name}.lock"),
        held_volume(store, volume),
        opened(os.open(folder, READABLE_DIRECTORY | os.O_CLOEXEC)) as directory,
    ):
        yield directory


def _made(engine: "Engine", volume: Volume, fill: Callable[[int], None]) -> Volume:
    store = engine.store
    check_volume(volume)
    store.make_folders()
    volume = replace(volume, created=format_timestamp(time.time_ns()))
    staged = store.root / "tmp" / f"volume-{os.urandom(8).hex()}"
    staged.mkdir(mode=0o755)
    try:
        with opened(os.open(staged, READABLE_DIRECTORY | os.O_CLOEXEC)) as root:
            fill(root)
        adopt_volume(store, volume, staged)
    finally:
        remove_tree(staged)
    engine.events.publish("volume", "create", volume.name, {"driver": volume.driver})
    return volume
