"""Files of a container that does not run, read from its layers without mounting them.

Only what is plainly there is read so: directories and regular files in the upper directory or a
layer. A link, or anything else out of the ordinary, is left to a mounted view of the whole,
where the kernel follows it inside the root.
"""

import errno
import os
import stat
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path

from wherry.linux.openat import open_in_root, opened
from wherry.linux.xattr import get_xattr
from wherry.oci.digest import ChainID
from wherry.store.overlay import OPAQUE, is_whiteout, opaque_xattr
from wherry.store.roots import stopped_root
from wherry.store.snapshots import lower_folders
from wherry.store.store import Store

_LARGEST = 16 << 20
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


class _OutOfTheOrdinary(Exception):
    """What only a mounted view can tell."""


class ContainerFiles:
    """Reads of one container's root, whose image's topmost layer is `top`."""

    def __init__(self, store: Store, container_id: str, top: ChainID | None) -> None:
        self._store = store
        self._container_id = container_id
        self._top = top

    def read_lines(self, path: str) -> Iterable[str]:
        """The lines of a regular file; none when there is no such file, or it is no file."""
        data = self._read(path)
        return data.decode(errors="surrogateescape").split("\n")

    def _read(self, path: str) -> bytes:
        folder, name = os.path.split(path.lstrip("/"))
        upper = self._store.container_folder(self._container_id) / "upper"
        try:
            return _read_from_layers([upper, *lower_folders(self._store, self._top)], folder, name)
        except _OutOfTheOrdinary:
            return self._read_from_view(path)

    def _read_from_view(self, path: str) -> bytes:
        with stopped_root(self._store, self._container_id, self._top) as root:
            try:
                descriptor = open_in_root(root, path, os.O_RDONLY | os.O_NONBLOCK)
            except OSError:
                return b""
            with opened(descriptor):
                return _content(descriptor)


def _read_from_layers(layers: Iterable[Path], folder: str, name: str) -> bytes:
    """`folder` is one directory at the top of the root."""
    for layer in layers:
        with ExitStack() as stack:
            directory = _open_directory(os.path.join(layer, folder))
            if directory is None:
                continue
            stack.callback(os.close, directory)
            try:
                status = os.stat(name, dir_fd=directory, follow_symlinks=False)
            except FileNotFoundError:
                if get_xattr(directory, opaque_xattr()) == OPAQUE:
                    return b""
                continue
            if is_whiteout(status):
                return b""
            if not stat.S_ISREG(status.st_mode):
                raise _OutOfTheOrdinary
            flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
            with opened(os.open(name, flags, dir_fd=directory)) as descriptor:
                return _content(descriptor)
    return b""


def _open_directory(path: str) -> int | None:
    try:
        return os.open(path, _DIRECTORY)
    except FileNotFoundError:
        return None
    except OSError as error:
        if error.errno in (errno.ENOTDIR, errno.ELOOP, errno.ENXIO):
            raise _OutOfTheOrdinary from None
        raise


def _content(descriptor: int) -> bytes:
    # The file is the image's: it may be huge, or a pipe that nobody writes to.
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        return b""
    with open(descriptor, "rb", closefd=False) as file:
        return file.read(_LARGEST)
