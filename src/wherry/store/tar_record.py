"""What an unpacked layer does not tell of the tar it came from, so that it can be made again.

    layers/<id>/diff          the files
    layers/<id>/tar.zst       everything of the tar but the contents of its files
    layers/<id>/replaced/<n>  files that later entries of the same tar took the place of

A layer's diff ID is the hash of its tar, and no two programs write the same tree as the same
tar: forms of headers, order, padding and owners' names all differ. What is not a file's contents
is some hundred bytes an entry, nearly all of them equal, and packs to a few. Docker's tar-split
does the same.

The record is a sequence of steps: bytes to repeat, and files to read. Paths in it have no links
on the way, so that one that a later entry of the tar replaced can be told by its beginning.
"""

import os
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from struct import Struct
from types import TracebackType
from typing import BinaryIO, Self

from wherry.errors import Internal
from wherry.linux.openat import READABLE_DIRECTORY, open_beneath, opened
from wherry.store.tar.entry import TarEntry

FILE = "tar.zst"
REPLACED = "replaced"
_MAGIC = b"wherry tar 1\n"
_STEP = Struct("<BI")  # its kind, and how many bytes follow
_SEGMENT = Struct("<QQ")
_BYTES, _CONTENTS, _SPARSE, _SEGMENTS, _SET_ASIDE = range(5)
_BUFFERED = 1 << 18
_PIECE = 1 << 19
_LEVEL = 3


class DamagedRecord(Internal):
    def __init__(self, folder: Path, problem: str) -> None:
        super().__init__(f"layer {folder.name} is damaged: {problem}")
        self.problem = problem


class TarRecorder:
    """Writes the record beside a layer's `diff`, in its folder, while that is unpacked."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._file: BinaryIO | None = None
        import zstandard  # 5 ms that only layers on their way are worth

        self._packer = zstandard.ZstdCompressor(level=_LEVEL).compressobj()
        self._repeated: list[bytes | memoryview] = []
        self._steps: list[bytes] = [_MAGIC]
        self._size = 0
        self._count = 0

    def __enter__(self) -> Self:
        self._file = (self._folder / FILE).open("xb", buffering=0)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self._file is not None
        with self._file:
            if error is None:
                self._close_bytes()
                self._write(self._packer.compress(b"".join(self._steps)) + self._packer.flush())

    def note(self, data: bytes | memoryview) -> None:
        """Bytes that are to be repeated as they are."""
        self._repeated.append(bytes(data))
        self._size += len(data)
        if self._size >= _BUFFERED:
            self._close_bytes()
            self._flush()

    def contents(self, path: bytes, entry: TarEntry) -> None:
        """The data that were unpacked into the file at `path`."""
        self._close_bytes()
        if entry.segments is None:
            self._add(_CONTENTS, path)
        else:
            self._add(_SPARSE, path)
            self._add(_SEGMENTS, b"".join(_SEGMENT.pack(*segment) for segment in entry.segments))

    def set_aside(self, directory: int, name: bytes, path: bytes) -> None:
        """Keep the entry `name` of `directory`, whose contents the record refers to."""
        folder = self._folder / REPLACED
        folder.mkdir(mode=0o700, exist_ok=True)
        os.rename(name, folder / str(self._count), src_dir_fd=directory)
        self._count += 1
        self._close_bytes()
        self._add(_SET_ASIDE, path)

    def _close_bytes(self) -> None:
        if self._repeated:
            self._add(_BYTES, b"".join(self._repeated))
            self._repeated.clear()

    def _add(self, kind: int, data: bytes) -> None:
        self._steps.append(_STEP.pack(kind, len(data)))
        self._steps.append(data)
        self._size += _STEP.size

    def _flush(self) -> None:
        self._write(self._packer.compress(b"".join(self._steps)))
        self._steps.clear()
        self._size = 0

    def _write(self, data: bytes) -> None:
        assert self._file is not None
        while data:
            data = data[self._file.write(data) :]


def has_record(folder: Path) -> bool:
    """Whether the layer in `folder` was unpacked from a tar."""
    return (folder / FILE).exists()


def check_record(folder: Path) -> None:
    """Read the record through, without the files; raises DamagedRecord."""
    for _ in _steps(folder):
        continue


def rebuilt_tar(folder: Path) -> Iterator[bytes]:
    """The tar that the layer in `folder` came from; raises DamagedRecord."""
    with _Tree(folder) as tree:
        waiting: list[bytes] = []
        size = 0
        sparse = b""
        for kind, data in _steps(folder):
            if kind == _BYTES:
                waiting.append(data)
                size += len(data)
            elif kind == _CONTENTS:
                for piece in tree.contents(data, None):
                    waiting.append(piece)
                    size += len(piece)
                    if size >= _PIECE:
                        yield b"".join(waiting)
                        waiting.clear()
                        size = 0
            elif kind == _SPARSE:
                sparse = data
            elif kind == _SEGMENTS:
                yield b"".join(waiting)
                waiting.clear()
                size = 0
                yield from tree.contents(sparse, list(_SEGMENT.iter_unpack(data)))
            else:
                tree.pass_by(data)
        yield b"".join(waiting)


def _steps(folder: Path) -> Iterator[tuple[int, bytes]]:
    import zstandard

    with (
        (folder / FILE).open("rb") as file,
        zstandard.ZstdDecompressor().stream_reader(file) as record,
    ):
        try:
            if record.read(len(_MAGIC)) != _MAGIC:
                raise DamagedRecord(folder, "the record of its tar is of another kind")
            rest = b""
            while data := record.read(_PIECE):
                rest += data
                at = 0
                while len(rest) - at >= _STEP.size:
                    kind, length = _STEP.unpack_from(rest, at)
                    end = at + _STEP.size + length
                    if end > len(rest):
                        break
                    yield kind, rest[at + _STEP.size : end]
                    at = end
                rest = rest[at:]
        except zstandard.ZstdError as error:
            raise DamagedRecord(folder, f"the record of its tar cannot be read: {error}") from error
        if rest:
            raise DamagedRecord(folder, "the record of its tar is cut short")


class _Tree:
    """Finds files by the paths that they had when the record was written."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        # Of each path the numbers, in order, under which it is going to be set aside: the next
        # one of a path, or of a directory above it, is where its contents are now.
        self._replaced: dict[bytes, deque[int]] = {}
        if (folder / REPLACED).exists():
            paths = (data for kind, data in _steps(folder) if kind == _SET_ASIDE)
            for number, path in enumerate(paths):
                self._replaced.setdefault(path, deque()).append(number)
        self._root = os.open(folder, READABLE_DIRECTORY | os.O_CLOEXEC)
        self._above = b""
        self._directory = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        os.close(self._root)
        if self._directory >= 0:
            os.close(self._directory)

    def pass_by(self, path: bytes) -> None:
        """From here on `path` is that of something later."""
        numbers = self._replaced[path]
        numbers.popleft()
        if not numbers:
            del self._replaced[path]

    def contents(self, path: bytes, segments: list[tuple[int, int]] | None) -> Iterator[bytes]:
        place = self._place_of(path)
        try:
            file = self._opened(place)
        except OSError as error:
            raise DamagedRecord(self._folder, f"{os.fsdecode(place)}: {error.strerror}") from error
        with opened(file):
            if segments is None:
                segments = [(0, os.fstat(file).st_size)]
            for offset, length in segments:
                end = offset + length
                while offset < end:
                    piece = os.pread(file, min(_PIECE, end - offset), offset)
                    if not piece:
                        raise DamagedRecord(self._folder, f"{os.fsdecode(place)} was shortened")
                    offset += len(piece)
                    yield piece

    def _place_of(self, path: bytes) -> bytes:
        found: tuple[int, bytes] | None = None
        prefix = path if self._replaced else b""
        while prefix:
            if prefix in self._replaced:
                number = self._replaced[prefix][0]
                if found is None or number < found[0]:
                    found = (number, path[len(prefix) :])
            prefix = prefix.rpartition(b"/")[0]
        if found is None:
            return b"diff/" + path
        return b"%s/%d%s" % (REPLACED.encode(), *found)

    def _opened(self, place: bytes) -> int:
        above, _, name = place.rpartition(b"/")
        if above != self._above:
            directory = open_beneath(self._root, above, READABLE_DIRECTORY)
            if self._directory >= 0:
                os.close(self._directory)
            self._directory, self._above = directory, above
        return os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=self._directory)
