"""ADD of an archive: unpacked through a mounted overlay, since it may go over what is there."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from wherry.build.source_trees import Found, SourceTree
from wherry.build.stage import StageWork
from wherry.errors import InvalidArgument
from wherry.linux.files import remove_tree
from wherry.linux.openat import open_beneath, opened
from wherry.store.compression import decompressed
from wherry.store.roots import detached_overlay
from wherry.store.snapshots import layer_mount
from wherry.store.tar.entry import BLOCK
from wherry.store.tar.numbers import checksum_matches
from wherry.store.tar.reader import TarReader
from wherry.store.tree import TreeWriter, clean_name

_READ = 1 << 19


def is_archive(tree: SourceTree, found: Found) -> bool:
    """Whether a file is a tar archive, compressed or not."""
    if not stat.S_ISREG(found.status.st_mode) or found.status.st_size < 10:
        return False
    try:
        head = b""
        for piece in decompressed(_pieces(tree, found, 1 << 16)):
            head += piece
            if len(head) >= BLOCK:
                break
    except InvalidArgument:
        return False
    return len(head) >= BLOCK and any(head[:BLOCK]) and checksum_matches(head[:BLOCK])


def unpack_archive(
    work: StageWork,
    folder: Path,
    destination: str,
    tree: SourceTree,
    found: Found,
    owner: tuple[int, int] | None,
) -> None:
    """Unpack the archive to `destination` of the layer that is made in `folder`."""
    store = work.workshop.store
    remove_tree(folder / "work")  # of an archive before this one: it may not be mounted twice
    (folder / "work").mkdir(mode=0o700)
    mount = layer_mount(store, folder, work.top)
    with (
        opened(detached_overlay(mount, store.root / "tmp")) as root,
        TreeWriter(root, os.fsencode(destination), owner=owner, settled=True) as writer,
    ):
        reader = TarReader(decompressed(_pieces(tree, found, _READ)))
        for entry in reader:
            name = clean_name(entry.name, reader.offset)
            if name:
                writer.make(name, entry, reader)
        writer.finish()


def _pieces(tree: SourceTree, found: Found, size: int) -> Iterator[bytes]:
    with opened(open_beneath(tree.root, found.path, os.O_RDONLY)) as file:
        while data := os.read(file, size):
            yield data
