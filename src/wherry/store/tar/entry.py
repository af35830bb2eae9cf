"""One entry of a tar archive, as a value. Names are bytes, as on disk."""

from wherry.errors import InvalidArgument
from wherry.values import dataclass

BLOCK = 512


class InvalidArchive(InvalidArgument):
    """A stream that is no tar archive, or one that is broken; begins with Docker's words."""

    def __init__(self, problem: str, offset: int) -> None:
        super().__init__(f"archive/tar: {problem} (at byte {offset})")
        self.offset = offset


class Kind:
    """Type flags, POSIX pax(1) "ustar Interchange Format", and GNU's."""

    FILE = b"0"
    HARDLINK = b"1"
    SYMLINK = b"2"
    CHARACTER = b"3"
    BLOCK = b"4"
    DIRECTORY = b"5"
    FIFO = b"6"

    # Never seen by a reader's user: these describe the entry after them, or are made files.
    OLD_FILE = b"\0"
    CONTIGUOUS = b"7"
    GNU_SPARSE = b"S"
    GNU_LONG_NAME = b"L"
    GNU_LONG_LINK = b"K"
    EXTENDED = b"x"
    GLOBAL = b"g"


# Their size field, if any, says nothing: no data follows.
HEADER_ONLY = frozenset(
    (Kind.HARDLINK, Kind.SYMLINK, Kind.CHARACTER, Kind.BLOCK, Kind.DIRECTORY, Kind.FIFO)
)


# Not frozen, unlike other values: that costs half as much again to make, ten thousands at a time.
@dataclass(slots=True)
class TarEntry:
    """`size` is the file's length; `stored` is how much of it the archive holds.

    Of a sparse file, `segments` are the (offset, length) of what is not a hole, in order, and
    their sum is `stored`.
    """

    name: bytes
    kind: bytes = Kind.FILE
    mode: int = 0o644
    uid: int = 0
    gid: int = 0
    size: int = 0
    mtime_ns: int = 0
    link: bytes = b""
    major: int = 0
    minor: int = 0
    user: bytes = b""
    group: bytes = b""
    xattrs: dict[str, bytes] | None = None
    segments: list[tuple[int, int]] | None = None
    stored: int = 0
