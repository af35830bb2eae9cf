"""Folders in which the contexts of earlier builds are kept, so that only changes are sent.

They are among what `build.kept_sources` keeps, and `builder du` and `builder prune` know them. A
folder belongs to one build at a time, which has it under an exclusive lock; a simultaneous one
of the same name takes the next.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

from wherry.build.kept_sources import SOURCES
from wherry.errors import Unavailable
from wherry.linux.files import write_atomically
from wherry.linux.locks import try_lock

_MOST_AT_ONCE = 100
_FILES = "files"


@contextmanager
def kept_context(root: Path, key: str, description: str) -> Iterator[Path]:
    """A folder with what the last build that had this `key` got; to be used in one thread."""
    parent = root / "build" / SOURCES
    parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    name = sha256(f"session\0{key}".encode("utf-8", "surrogateescape")).hexdigest()[:30]
    for number in range(_MOST_AT_ONCE):
        folder = parent / f"{name}{number:02}"
        descriptor = _locked(folder)
        if descriptor < 0:
            continue
        try:
            if not (folder / "id").exists():
                write_atomically(folder / "id", description.encode("utf-8", "surrogateescape"))
            os.utime(folder)  # when it was last used
            files = folder / _FILES
            files.mkdir(mode=0o755, exist_ok=True)
            yield files
        finally:
            os.close(descriptor)
        return
    raise Unavailable(f"more than {_MOST_AT_ONCE} builds of the context {key} at once")


def _locked(folder: Path) -> int:
    """A descriptor that has the lock on the folder, made if missing; -1 if it is in use."""
    folder.mkdir(mode=0o700, exist_ok=True)
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        if try_lock(descriptor) and os.path.samestat(os.stat(folder), os.fstat(descriptor)):
            return descriptor
    except FileNotFoundError:
        return -1  # pruned just now
    os.close(descriptor)
    return -1
