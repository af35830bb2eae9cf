"""An image layout in a folder: what `archive.oci` reads from a tar, file by file.

https://github.com/opencontainers/image-spec/blob/main/image-layout.md
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from wherry.images.archive.members import Archive, InvalidImageArchive, Member
from wherry.images.archive.oci import INDEX
from wherry.linux.openat import READABLE_DIRECTORY, open_in_root, opened


class Layout(Archive):
    """The folder open at `root`. Links in it lead nowhere out of it."""

    def __init__(self, root: int) -> None:
        super().__init__()
        self._root = root

    def __contains__(self, name: str) -> bool:
        try:
            os.close(open_in_root(self._root, name, os.O_PATH))
        except OSError:
            return False
        return True

    def member(self, name: str, named_by: str) -> Member:
        try:
            # Without O_NONBLOCK a named pipe would wait for its other end.
            descriptor = open_in_root(self._root, name, os.O_RDONLY | os.O_NONBLOCK)
        except OSError as error:
            problem = "is not in the layout" if isinstance(error, FileNotFoundError) else error
            raise InvalidImageArchive(f"{named_by}: {name!r} {problem}") from error
        self.keep_open(descriptor)
        return Member(name, descriptor, 0, os.fstat(descriptor).st_size)


@contextmanager
def open_layout(folder: str) -> Iterator[Layout]:
    """The layout in `folder`, for the block; InvalidImageArchive if there is none."""
    try:
        root = os.open(folder, READABLE_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise InvalidImageArchive(f"{folder}: {(error.strerror or '').lower()}") from error
    with opened(root):
        layout = Layout(root)
        if INDEX not in layout:
            raise InvalidImageArchive(f"{folder}: no image layout, it has no {INDEX}")
        try:
            yield layout
        finally:
            layout.close()
