"""Reading a container's log, from its files and while they grow.

    backlog    the rotated files, oldest first, then the current one; with --tail from as far back
               as it takes
    following  inotify tells of growth and of rotation; the supervisor's socket tells of the end

Text comes out in blocks as large as the writer put in, already with its prefixes.
"""

import gzip
import os
import select
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote

from wherry.linux.inotify import Change, Inotify
from wherry.oci.timestamps import LAST, ZERO, format_timestamp
from wherry.shim.log import json_file_decoder, local
from wherry.shim.log.files import rotated_files
from wherry.shim.log.json_file_decoder import Block, decode_attributes
from wherry.values import dataclass

_CHUNK = 1 << 20
_STEP = 1 << 16
ALL = -1


@dataclass(frozen=True, kw_only=True, slots=True)
class LogRequest:
    """What to show. Times are nanoseconds since the epoch, 0 for no bound; tail in records."""

    stdout: bool = True
    stderr: bool = True
    since: int = 0
    until: int = 0
    tail: int = ALL
    timestamps: bool = False
    details: bool = False


Pieces = Iterator[tuple[int, bytes]]  # stream, text


class LogReader:
    """The log whose current file is `path`, in the format of `driver`."""

    def __init__(self, path: Path, driver: str, request: LogRequest) -> None:
        self._path = path
        self._format = _FORMATS[driver]
        self._request = request
        self._output = Output(request)
        self._file = -1  # what is read, and may since have been renamed
        self._rest = b""
        self._ended = False

    def read(self) -> Pieces:
        """Everything there is now."""
        if self._request.tail == 0:
            self._skip_to_end()
        else:
            yield from self._backlog()

    def follow(self, supervisor: int, stop: int = -1) -> Pieces:
        """Everything there is, then what comes, until the descriptor `supervisor` has its end.

        Or until `stop` can be read: nobody wants more.
        """
        with Inotify() as inotify:
            changes = Change.MODIFY | Change.CREATE | Change.MOVED_TO | Change.MOVED_FROM
            inotify.watch(self._path.parent, changes)
            yield from self.read()
            poll = select.poll()
            poll.register(inotify.descriptor, select.POLLIN)
            poll.register(supervisor, select.POLLIN | select.POLLHUP)
            if stop >= 0:
                poll.register(stop, select.POLLIN)
            gone = False
            while not (gone or self._ended):
                ready = poll.poll()
                if any(descriptor == stop for descriptor, _ in ready):
                    return
                gone = any(descriptor == supervisor for descriptor, _ in ready)
                for _ in inotify.changes():
                    pass
                yield from self._news()

    def close(self) -> None:
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    # ---- what is there

    def _backlog(self) -> Pieces:
        self._file = _opened(self._path)
        paths = rotated_files(self._path)
        limit = self._request.tail
        chunks: list[bytes] = []
        if limit != ALL:
            current = self._last_of_current(limit)
            missing = limit - self._format.count(current)
            while missing > 0 and paths:
                older = self._format.last(_rotated_content(paths.pop()), missing)
                missing -= self._format.count(older)
                chunks.insert(0, older)
            for chunk in (*chunks, current):
                yield from self._shown(chunk)
            return
        for path in paths:
            for chunk in _chunks(path, self._format):
                yield from self._shown(chunk)
        yield from self._grown()

    def _skip_to_end(self) -> None:
        self._file = _opened(self._path)
        self._last_of_current(1)

    def _last_of_current(self, limit: int) -> bytes:
        """The last records of the open file; what is read next begins after them."""
        if self._file < 0:
            return b""
        start, data = self._format.end_of(self._file, limit)
        os.lseek(self._file, start + self._format.complete(data), os.SEEK_SET)
        return self._format.last(data, limit)

    # ---- what comes

    def _news(self) -> Pieces:
        yield from self._grown()
        while self._was_rotated():
            yield from self._grown()  # to its end, now that nobody writes it any more
            path = self._open_next()
            if path.suffix == ".gz":
                yield from self._shown(gzip.decompress(_content(self._file)))
            else:
                yield from self._grown()

    def _grown(self) -> Pieces:
        """What the open file holds beyond what was read of it."""
        if self._file < 0:
            self._file = _opened(self._path)
            if self._file < 0:
                return
        if os.fstat(self._file).st_size < os.lseek(self._file, 0, os.SEEK_CUR):
            os.lseek(self._file, 0, os.SEEK_SET)  # cleared, or kept to one file
            self._rest = b""
        while not self._ended and (data := os.read(self._file, _CHUNK)):
            data = self._rest + data
            end = self._format.complete(data)
            self._rest = data[end:]
            yield from self._shown(data[:end])

    def _was_rotated(self) -> bool:
        if self._file < 0 or self._ended:
            return False
        return self._path.exists() and not _is_same(self._path, self._file)

    def _open_next(self) -> Path:
        """Go on to the file that was begun when the open one was rotated away."""
        while True:
            path = self._path_after(self._file)
            found = _opened(path)
            # Renamed between the look and the opening? Then another file follows ours.
            if found >= 0 and _is_same(self._path_after(self._file), found):
                os.close(self._file)
                self._file, self._rest = found, b""
                return path
            if found >= 0:
                os.close(found)

    def _path_after(self, descriptor: int) -> Path:
        paths = [*rotated_files(self._path), self._path]
        for number, path in enumerate(paths[:-1]):
            if _is_same(path, descriptor):
                return paths[number + 1]
        return self._path  # ours was compressed, or is gone

    def _shown(self, data: bytes) -> Pieces:
        if not data or self._ended:
            return
        if self._output.plain and (text := self._format.plain(data)) is not None:
            if self._request.stdout:
                yield 1, text
            return
        for block in self._format.blocks(data):
            if self._output.is_past(block):
                self._ended = True
                return
            text = self._output.text_of(block)
            if text:
                yield block.stream, text


class Output:
    """Which blocks are shown, and with what before each line."""

    def __init__(self, request: LogRequest) -> None:
        self._request = request
        self._since = _bound(request.since)
        self._until = _bound(request.until)
        self._at_start = {1: True, 2: True}
        # Nothing is asked for that differs from record to record.
        self.plain = not (request.since or request.until or request.timestamps or request.details)

    def is_past(self, block: Block) -> bool:
        return bool(self._request.until) and _nine_digits(block.time) > self._until

    def text_of(self, block: Block) -> bytes:
        """The text to print for `block`; empty when it is not asked for."""
        request = self._request
        if not (request.stdout if block.stream == 1 else request.stderr):
            return b""
        if request.since and _nine_digits(block.time) < self._since:
            return b""
        prefix = self._prefix(block)
        if not prefix:
            return block.text
        text = block.text
        ended = text.endswith(b"\n")
        body = (text[:-1] if ended else text).replace(b"\n", b"\n" + prefix)
        if self._at_start[block.stream]:
            body = prefix + body
        self._at_start[block.stream] = ended
        return body + b"\n" if ended else body

    def _prefix(self, block: Block) -> bytes:
        prefix = _nine_digits(block.time) + b" " if self._request.timestamps else b""
        if self._request.details:
            attributes = decode_attributes(block.attributes)
            pairs = (f"{quote(k, safe='')}={quote(v, safe='')}" for k, v in attributes.items())
            prefix += ",".join(sorted(pairs)).encode() + b" "
        return prefix


def _bound(time: int) -> bytes:
    """What times of the log are compared with: as texts, which have four digits for the year."""
    return _nine_digits(format_timestamp(min(max(time, ZERO), LAST)).encode())


def _nine_digits(time: bytes) -> bytes:
    """A time with all its nanoseconds, as `logs -t` shows it and as it can be compared."""
    if len(time) == 30:
        return time
    whole, _, fraction = time.removesuffix(b"Z").partition(b".")
    return whole + b"." + fraction.ljust(9, b"0") + b"Z"


# ---- files


def _opened(path: Path) -> int:
    try:
        return os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except FileNotFoundError:
        return -1


def _is_same(path: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(os.stat(path), os.fstat(descriptor))
    except FileNotFoundError:
        return False


def _content(descriptor: int) -> bytes:
    if descriptor < 0:
        return b""
    data = bytearray()
    while more := os.read(descriptor, _CHUNK):
        data += more
    return bytes(data)


def _rotated_content(path: Path) -> bytes:
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return b""
    return gzip.decompress(data) if path.suffix == ".gz" else data


def _chunks(path: Path, form: "_Format") -> Iterator[bytes]:
    """The whole records of a rotated file, some at a time."""
    opener: Callable[[Path], gzip.GzipFile] | None = gzip.open if path.suffix == ".gz" else None
    rest = b""
    try:
        with opener(path) if opener else path.open("rb") as file:
            while data := file.read(_CHUNK):
                data = rest + data
                end = form.complete(data)
                rest = data[end:]
                yield data[:end]
    except FileNotFoundError:  # rotated away meanwhile
        return


# ---- formats


class _Format:
    """What differs between drivers that keep files."""

    def complete(self, data: bytes) -> int:
        """How many bytes of `data` are whole records."""
        raise NotImplementedError

    def blocks(self, data: bytes) -> Iterator[Block]:
        raise NotImplementedError

    def plain(self, data: bytes) -> bytes | None:
        """The whole text, when all of it went to stdout; None to look at the blocks."""
        raise NotImplementedError

    def count(self, data: bytes) -> int:
        """The number of records."""
        raise NotImplementedError

    def last(self, data: bytes, limit: int) -> bytes:
        """The last `limit` whole records."""
        raise NotImplementedError

    def end_of(self, descriptor: int, _limit: int) -> tuple[int, bytes]:
        """The offset and content of an end of the file that holds `limit` whole records."""
        return 0, _content(descriptor)


class _JsonFile(_Format):
    def complete(self, data: bytes) -> int:
        return json_file_decoder.complete(data)

    def blocks(self, data: bytes) -> Iterator[Block]:
        return json_file_decoder.decode_blocks(data)

    def plain(self, data: bytes) -> bytes | None:
        return json_file_decoder.decode_plain(data)

    def count(self, data: bytes) -> int:
        return data.count(b"\n")

    def last(self, data: bytes, limit: int) -> bytes:
        end = self.complete(data)
        at = end
        for _ in range(limit):
            if at <= 0:
                return data[:end]
            at = data.rfind(b"\n", 0, at - 1) + 1
        return data[max(at, 0) : end]

    def end_of(self, descriptor: int, limit: int) -> tuple[int, bytes]:
        start = os.fstat(descriptor).st_size
        pieces: list[bytes] = []
        found = 0
        while start > 0 and found <= limit + 1:
            length = min(_STEP, start)
            start -= length
            pieces.append(os.pread(descriptor, length, start))
            found += pieces[-1].count(b"\n")
        return start, b"".join(reversed(pieces))


class _Local(_Format):
    def complete(self, data: bytes) -> int:
        return local.complete(data)

    def blocks(self, data: bytes) -> Iterator[Block]:
        for block in local.decode(data):
            time = format_timestamp(block.time).encode()
            yield Block(block.stream, time, b"", block.text)

    def plain(self, _data: bytes) -> bytes | None:
        return None

    def count(self, data: bytes) -> int:
        return sum(block.lines for block in local.decode(data))

    def last(self, data: bytes, limit: int) -> bytes:
        blocks = list(local.decode(data))
        kept: list[bytes] = []
        while blocks and limit > 0:
            block = blocks.pop()
            text, whole = block.text, block.text.endswith(b"\n")
            if block.lines > limit:
                text = b"\n".join(text.split(b"\n")[-limit - 1 :])
            kept.insert(0, local.encode(text, block.stream, block.time, whole=whole))
            limit -= block.lines
        return b"".join(kept)


_FORMATS: dict[str, _Format] = {"json-file": _JsonFile(), "local": _Local()}
