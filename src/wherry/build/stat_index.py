"""The hashes of files of a tree, remembered by their inode, size and times.

A file whose numbers are the same has the same content, so a cached build reads none. As with
git's index, a file that changed about when it was looked at is not remembered: it may change
again within the same tick of the clock.
"""

import errno
import marshal
import os
import stat
import time
from hashlib import sha256
from pathlib import Path

from wherry.linux.files import write_atomically
from wherry.linux.openat import open_beneath, opened

_FORMAT = 2
_READ = 1 << 20
CAPABILITY = "security.capability"
_UNSURE_NS = 50_000_000  # the kernel's clock of files ticks every 4 to 10 ms

Numbers = tuple[int, int, int, int]


class FileChanged(OSError):
    """A file that was replaced, or written to, while the build looked at it."""

    def __init__(self, path: str) -> None:
        super().__init__(errno.EAGAIN, "file changed while it was read", path)


class StatIndex:
    """The hashes of one tree's files; `file` is where they are kept, None for nowhere."""

    def __init__(self, file: Path | None) -> None:
        self._file = file
        self._started_ns = time.time_ns()
        self._known: dict[str, tuple[Numbers, bytes]] = {}
        self._changed = False
        if file is not None:
            self._load(file)

    def _load(self, file: Path) -> None:
        try:
            data = marshal.loads(file.read_bytes())
        except (FileNotFoundError, EOFError, ValueError, TypeError):
            return
        if isinstance(data, tuple) and len(data) == 2 and data[0] == _FORMAT:
            self._known = data[1]

    def hash_of(
        self, root: int, path: str, status: os.stat_result, *, capable: bool = False
    ) -> bytes:
        """The sha256 of the regular file at `path` of the tree, whose status was `status`.

        With `capable` its file capabilities, if it has any, stand behind it.
        """
        numbers = numbers_of(status)
        known = self._known.get(path)
        if known is not None and known[0] == numbers:
            return known[1]
        found = _hash(root, path, status, capable=capable)
        if max(status.st_ctime_ns, status.st_mtime_ns) < self._started_ns - _UNSURE_NS:
            self._known[path] = (numbers, found)
            self._changed = True
        return found

    def save(self) -> None:
        """Keep what was found out for the next build; losing it costs time only."""
        if self._file is None or not self._changed:
            return
        self._file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        data = marshal.dumps((_FORMAT, self._known))
        write_atomically(self._file, data, mode=0o600, durable=False)
        self._changed = False


def numbers_of(status: os.stat_result) -> Numbers:
    """What changes whenever a file does."""
    return (status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)


def capability_of(file: int) -> bytes:
    """The capabilities of an open file as the kernel keeps them, capabilities(7); b"" for none."""
    try:
        return os.getxattr(file, CAPABILITY)
    except OSError:
        return b""  # none, or a filesystem without them


def _hash(root: int, path: str, status: os.stat_result, *, capable: bool) -> bytes:
    digest = sha256()
    with opened(open_beneath(root, path, os.O_RDONLY | os.O_NONBLOCK)) as file:
        found = os.fstat(file)
        if not stat.S_ISREG(found.st_mode) or numbers_of(found) != numbers_of(status):
            raise FileChanged(path)
        try:
            size = found.st_size
            wanted = min(size + 1, _READ)  # of a small file all at once, and that it ends there
            while data := os.read(file, wanted):
                digest.update(data)
                size -= len(data)
                if size <= 0 and len(data) < wanted:
                    break
        except OSError as error:
            raise OSError(error.errno, error.strerror, path) from None  # read(2) knows no path
        return digest.digest() + (capability_of(file) if capable else b"")
