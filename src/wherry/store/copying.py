"""Files in and out of a root filesystem whose processes may be moving things meanwhile.

`root` is a descriptor of that root: of a mount, or of /proc/PID/root. Paths are looked up by the
kernel inside it (openat2 with RESOLVE_IN_ROOT) and work goes on from the descriptor it gives, so
a link that is swapped in time leads to another place in the same root, never out of it.
"""

import errno
import os
import stat
from collections.abc import Generator, Iterable, Iterator
from contextlib import closing

from wherry.linux.openat import DIRECTORY, READABLE_DIRECTORY, open_in_root, opened
from wherry.store.compression import decompressed
from wherry.store.pack import Packer
from wherry.store.tar.reader import TarReader
from wherry.store.tree import TreeWriter, clean_name
from wherry.values import dataclass

_MOST_LINKS = 255  # as Docker follows


@dataclass(frozen=True, kw_only=True, slots=True)
class PathStatus:
    """What Docker tells of a path: `mode` as stat(2) has it; of a link, `link` is where it leads
    in the end, as an absolute path in the root.
    """

    name: str
    size: int
    mode: int
    mtime_ns: int
    link: str = ""

    @property
    def is_directory(self) -> bool:
        return stat.S_ISDIR(self.mode)

    @property
    def is_link(self) -> bool:
        return stat.S_ISLNK(self.mode)


def stat_path(root: int, path: str) -> PathStatus:
    """The entry at `path`; a link at its end is followed only before a slash or `/.`."""
    parent, name = _located(root, path)
    with opened(parent):
        return _status(root, parent, name, path)


def archive_path(
    root: int, path: str, *, called: str = "", devices: frozenset[int] = frozenset()
) -> tuple[PathStatus, Iterator[bytes]]:
    """The entry at `path` with all below it as a tar, under the name that Docker gives it.

    `called` is another name; directories on `devices` are entered as well as those on its own.
    """
    parent, name = _located(root, path)
    try:
        status = _status(root, parent, name, path)
    except BaseException:
        os.close(parent)
        raise
    named = os.fsencode(called) or _archived_name(path)
    return status, _archive(parent, name, named, devices)


def archive_entry(folder: int, name: str, called: str) -> Iterator[bytes]:
    """The entry `name` of an opened folder with all below it, on any device, as a tar."""
    return _archive(os.dup(folder), os.fsencode(name), os.fsencode(called), None)


def resolved_path(root: int, path: str) -> str:
    """Where `path` leads inside `root` when all links are followed, as far as it exists.

    For telling only: whoever goes there looks the answer up again.
    """
    ahead = [part for part in reversed(path.split("/")) if part]
    done: list[str] = []
    links = 0
    while ahead:
        part = ahead.pop()
        if part == "..":
            del done[-1:]
        elif part != ".":
            done.append(part)
            target = _link_at(root, "/" + "/".join(done))
            if target is not None:
                links += 1
                if links > _MOST_LINKS:
                    raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), path)
                done = [] if target.startswith("/") else done[:-1]
                ahead += [word for word in reversed(target.split("/")) if word]
    return "/" + "/".join(done)


def _link_at(root: int, path: str) -> str | None:
    try:
        with opened(open_in_root(root, path, os.O_PATH | os.O_NOFOLLOW)) as descriptor:
            return os.readlink(b"", dir_fd=descriptor).decode(errors="surrogateescape")
    except OSError:  # no link, or nothing
        return None


def extract_archive(
    root: int,
    path: str,
    chunks: Iterable[bytes],
    *,
    keep_kinds: bool = False,
    owner: tuple[int, int] | None = None,
    called: str = "",
) -> None:
    """Unpack a tar, compressed or not, into the directory `path`, which errors call `called`.

    `keep_kinds` is the API's noOverwriteDirNonDir. Raises FileNotFoundError,
    NotADirectoryError, InvalidArchive, and OSError with the path in the root.
    """
    os.close(open_in_root(root, path, DIRECTORY))
    base = clean_name(os.fsencode("/" + path), 0)
    with (
        closing(_as_generator(chunks)) as stream,
        TreeWriter(
            root, base, owner=owner, keep_kinds=keep_kinds, settled=True, called=called
        ) as tree,
    ):
        reader = TarReader(decompressed(stream))
        for entry in reader:
            if name := clean_name(entry.name, reader.offset):
                tree.make(name, entry, reader)
        tree.finish()
        reader.drain()


def export_tree(root: int) -> Iterator[bytes]:
    """The whole root filesystem as a tar, as `docker export` writes it; mounts stay empty."""
    packer = Packer(holes=False)
    with opened(os.open(".", READABLE_DIRECTORY | os.O_CLOEXEC, dir_fd=root)) as directory:
        yield from packer.tree(directory)
        yield from packer.end()


def copy_up(root: int, path: str, volume: str | os.PathLike[str]) -> bool:
    """Fill the empty directory `volume` with what the image has in the directory `path`.

    Owners, modes, times, links, holes and attributes stay as they are, those of the directory
    itself included. False, and nothing done, if the volume has something or the image nothing.
    """
    if os.listdir(volume):
        return False
    try:
        source = open_in_root(root, path, READABLE_DIRECTORY)
    except (FileNotFoundError, NotADirectoryError):
        return False
    with opened(source), opened(os.open(volume, READABLE_DIRECTORY | os.O_CLOEXEC)) as target:
        copy_tree(source, target)
    return True


def copy_tree(source: int, target: int) -> None:
    """Make the empty directory `target` the same as the directory `source`, itself included."""
    packer = Packer(nanoseconds=True)
    with TreeWriter(target) as tree:
        # Within one process an archive is the copy that forgets nothing and trusts nothing.
        reader = TarReader(_whole(packer, source))
        for entry in reader:
            tree.make(clean_name(entry.name, reader.offset), entry, reader)
        tree.finish()
    status = os.fstat(source)
    os.fchown(target, status.st_uid, status.st_gid)
    os.fchmod(target, stat.S_IMODE(status.st_mode))
    os.utime(target, ns=(status.st_atime_ns, status.st_mtime_ns))


def _whole(packer: Packer, directory: int) -> Iterator[bytes]:
    yield from packer.tree(directory)
    yield from packer.end()


def _as_generator(chunks: Iterable[bytes]) -> Generator[bytes, None, None]:
    yield from chunks


def _located(root: int, path: str) -> tuple[int, bytes]:
    """The opened directory that `path` is in, and its last name; of the root itself, `.`."""
    encoded = os.fsencode("/" + path.lstrip("/"))
    above, _, name = encoded.rpartition(b"/")
    if name in (b"", b".", b".."):  # all of it is followed
        return open_in_root(root, encoded, DIRECTORY), b"."
    return open_in_root(root, above or b"/", DIRECTORY), name


def _status(root: int, parent: int, name: bytes, path: str) -> PathStatus:
    try:
        status = os.stat(name, dir_fd=parent, follow_symlinks=False)
    except OSError as error:
        raise OSError(error.errno, error.strerror, path) from None
    return PathStatus(
        name=os.path.basename(os.path.normpath("/" + path)) or "/",
        size=status.st_size,
        mode=status.st_mode,
        mtime_ns=status.st_mtime_ns,
        link=resolved_path(root, path) if stat.S_ISLNK(status.st_mode) else "",
    )


def _archived_name(path: str) -> bytes:
    """`etc` for /etc and /etc/, `.` for /etc/. and `/` for the root, as Docker names them."""
    if path.endswith("/."):
        return b"."
    clean = os.path.normpath("/" + path).lstrip("/")
    return os.fsencode(clean.rpartition("/")[2]) if clean else b"/"


def _archive(
    parent: int, name: bytes, called: bytes, devices: frozenset[int] | None
) -> Iterator[bytes]:
    packer = Packer(holes=False, devices=devices)
    with opened(parent):
        status = os.stat(name, dir_fd=parent, follow_symlinks=False)
        if stat.S_ISSOCK(status.st_mode):
            raise OSError(errno.ENOTSUP, "sockets cannot be copied", called)
        yield from packer.entry(parent, name, called)
        yield from packer.end()
