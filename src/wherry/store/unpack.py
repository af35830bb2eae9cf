"""Unpacking a layer into a fresh folder that overlayfs can use as a lower directory.

    .wh.NAME         the layers below lose NAME        a character device 0:0 called NAME
    .wh..wh..opq     ... all that is in this folder     trusted.overlay.opaque=y on the folder

https://github.com/opencontainers/image-spec/blob/main/layer.md#whiteouts. A whiteout speaks of the
layers below only: what the same layer has under that name stays, and if that is a directory it
is made opaque. Names that begin with `.wh.` otherwise have no place in a layer. Only links of
this layer are followed on the way to an entry, since those below are not here; Docker's overlay2
does the same.
"""

import hashlib
import os
import stat
from collections.abc import Iterable
from contextlib import closing

from wherry.linux.openat import READABLE_DIRECTORY, opened
from wherry.oci.digest import DiffID
from wherry.store.compression import Compression, decompressed, peeked
from wherry.store.overlay import OPAQUE, opaque_xattr
from wherry.store.stages import hashed, prefetched
from wherry.store.tar.entry import InvalidArchive, Kind, TarEntry
from wherry.store.tar.reader import TarReader
from wherry.store.tar_record import TarRecorder
from wherry.store.tree import TreeWriter, clean_name
from wherry.values import dataclass

WHITEOUT = b".wh."
OPAQUE_MARKER = b".wh..wh..opq"
_AUFS_OWN = b".wh..wh."  # its bookkeeping, such as .wh..wh.plnk; means nothing to others


@dataclass(frozen=True, kw_only=True, slots=True)
class Unpacked:
    """What came out: `size` is the length of all files and links, each counted once.

    `tar_size` is the length of the tar, uncompressed.
    """

    diff_id: DiffID
    size: int
    tar_size: int


def unpack_layer(
    chunks: Iterable[bytes],
    folder: str | os.PathLike[str],
    recorder: TarRecorder | None = None,
) -> Unpacked:
    """Unpack a layer, compressed or not, into the empty directory `folder`.

    Inflating, hashing and extracting run beside each other. `recorder` keeps what the tree does
    not tell of the tar. Raises InvalidArchive, DamagedStream, and OSError with the entry's path.
    """
    digest = hashlib.sha256()
    compression, pieces = peeked(chunks)
    if compression is not Compression.NONE:
        pieces = prefetched(decompressed(pieces))
    stream = prefetched(hashed(pieces, digest))
    with (
        opened(os.open(folder, READABLE_DIRECTORY | os.O_CLOEXEC)) as root,
        closing(stream),
        TreeWriter(root, aside=None if recorder is None else recorder.set_aside) as tree,
    ):
        reader = TarReader(stream, None if recorder is None else recorder.note)
        layer = _Layer(tree, recorder)
        for entry in reader:
            layer.take(entry, reader)
        tree.finish()
        reader.drain()  # the diff ID counts what follows the archive's end
        return Unpacked(diff_id=DiffID.of_hash(digest), size=tree.size, tar_size=reader.offset)


class _Layer:
    """The rules of a layer on top of those of an archive."""

    def __init__(self, tree: TreeWriter, recorder: TarRecorder | None) -> None:
        self._tree = tree
        self._recorder = recorder
        self._opaque = opaque_xattr()
        self._hidden: set[bytes] = set()

    def take(self, entry: TarEntry, reader: TarReader) -> None:
        path = clean_name(entry.name, reader.offset)
        if not path:
            return  # the root's own metadata; Docker keeps 0755 root:root too
        above, _, name = path.rpartition(b"/")
        if WHITEOUT in path and (b"/" + path).find(b"/" + WHITEOUT) >= 0:
            self._special(path, above, name, reader)
        elif path in self._hidden and entry.kind == Kind.DIRECTORY:
            # Removed below and made anew here: nothing of what was below shows through.
            self._tree.make(path, entry, reader)
            self._make_opaque(self._tree.directory(path))
        else:
            self._tree.make(path, entry, reader)
            if entry.stored and self._recorder is not None:
                self._recorder.contents(self._tree.real_path(path), entry)

    def _special(self, path: bytes, above: bytes, name: bytes, reader: TarReader) -> None:
        if b"/" + WHITEOUT in b"/" + above:
            if b"/" + _AUFS_OWN in b"/" + above and OPAQUE_MARKER not in above:
                return
            raise InvalidArchive(f"{os.fsdecode(path)!r} lies below a whiteout", reader.offset)
        if name == OPAQUE_MARKER:
            self._make_opaque(self._tree.directory(above))
        elif not name.startswith(_AUFS_OWN):
            hidden = name.removeprefix(WHITEOUT)
            if hidden in (b"", b".", b".."):
                raise InvalidArchive(f"{os.fsdecode(path)!r} hides no name", reader.offset)
            self._hide(above, hidden)

    def _hide(self, above: bytes, name: bytes) -> None:
        parent = self._tree.directory(above)
        path = above + b"/" + name if above else name
        self._hidden.add(path)
        try:
            os.mknod(name, stat.S_IFCHR, os.makedev(0, 0), dir_fd=parent)
        except FileExistsError:
            there = os.stat(name, dir_fd=parent, follow_symlinks=False)
            if stat.S_ISDIR(there.st_mode):
                self._make_opaque(self._tree.directory(path))

    def _make_opaque(self, directory: int) -> None:
        os.setxattr(b"/proc/self/fd/%d" % directory, self._opaque, OPAQUE)
