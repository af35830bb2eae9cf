"""The files of a log: appended to, rotated, compressed, cleared.

    <path>      is written
    <path>.1    the one before it; <path>.1.gz when compressed
    <path>.2    ...

Readers keep what they have open: a rotation renames, so they finish the old file and go on with
the new one.
"""

import errno
import os
import signal
import zlib
from contextlib import suppress
from pathlib import Path

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_COPY = 1 << 18


class RotatingFile:
    """A file of records with a bound. Whole records go in, and stay whole."""

    def __init__(self, path: Path, capacity: int, count: int, compress: bool) -> None:
        self.path = path
        self._capacity = capacity
        self._count = count
        self._compress = compress
        self._descriptor = -1
        self._size = 0
        self._compressor = 0  # a child at work on the newest rotated file
        self._open()

    def _open(self) -> None:
        flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW
        self._descriptor = os.open(self.path, flags, 0o640)
        self._size = os.fstat(self._descriptor).st_size

    def write_lines(self, records: bytes) -> None:
        """Append records that each end with a line break."""
        while records:
            self._make_room()
            room = self._capacity - self._size
            if not self._capacity or len(records) <= room:
                self._append(records)
                return
            # The record that reaches the bound is the last one, as in Docker's files.
            end = records.find(b"\n", room - 1) + 1 or len(records)
            self._append(records[:end])
            records = records[end:]

    def write_record(self, record: bytes) -> None:
        """Append a record of any bytes."""
        self._make_room()
        self._append(record)

    def _make_room(self) -> None:
        if self._capacity and self._size >= self._capacity:
            self._rotate()

    def _append(self, data: bytes) -> None:
        rest = memoryview(data)
        try:
            while rest:
                rest = rest[os.write(self._descriptor, rest) :]
        except OSError as error:
            if error.errno not in _FULL:
                raise
            # A full disk must not stop the container: what does not fit is lost, and no half
            # record may stay, or the next one would be unreadable as well.
            os.ftruncate(self._descriptor, self._size)
            return
        self._size += len(data)

    def _rotate(self) -> None:
        if self._count < 2:
            os.ftruncate(self._descriptor, 0)
            self._size = 0
            return
        self._wait_for_compressor()
        os.close(self._descriptor)
        for number in range(self._count - 1, 1, -1):
            for suffix in ("", ".gz"):
                with suppress(FileNotFoundError):
                    os.rename(f"{self.path}.{number - 1}{suffix}", f"{self.path}.{number}{suffix}")
        os.rename(self.path, f"{self.path}.1")
        self._open()
        if self._compress:
            self._compressor = _compress_aside(f"{self.path}.1")

    def _wait_for_compressor(self) -> None:
        """It must not find another file under its name. A file takes longer to fill."""
        if self._compressor:
            with suppress(ChildProcessError):
                os.waitpid(self._compressor, 0)
            self._compressor = 0

    def clear(self) -> None:
        """Forget everything that was logged."""
        self._wait_for_compressor()
        os.ftruncate(self._descriptor, 0)
        self._size = 0
        remove_rotated(self.path)

    def close(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


def rotated_files(path: Path) -> list[Path]:
    """The files of the log at `path`, oldest first, without `path` itself."""
    found: list[tuple[int, Path]] = []
    prefix = f"{path.name}."
    try:
        names = os.listdir(path.parent)
    except FileNotFoundError:
        return []
    for name in names:
        number = name.removeprefix(prefix).removesuffix(".gz")
        if name.startswith(prefix) and number.isdigit():
            found.append((int(number), path.parent / name))
    return [entry for _, entry in sorted(found, reverse=True)]


def remove_rotated(path: Path) -> None:
    for older in rotated_files(path):
        with suppress(FileNotFoundError):
            older.unlink()


def clear_files(path: Path) -> None:
    """Forget a log that nobody writes."""
    with suppress(FileNotFoundError):
        os.truncate(path, 0)
    remove_rotated(path)


def _compress_aside(path: str) -> int:
    """Compress a file that is no longer written and put the result in its place, in a child."""
    child = os.fork()
    if child:
        return child
    try:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        os.nice(10)
        packer = zlib.compressobj(1, wbits=31)  # gzip's head and tail
        with open(path, "rb", buffering=0) as source, open(f"{path}.gz.tmp", "wb") as target:
            while data := source.read(_COPY):
                target.write(packer.compress(data))
            target.write(packer.flush())
        os.rename(f"{path}.gz.tmp", f"{path}.gz")
        os.unlink(path)
    finally:
        os._exit(0)
