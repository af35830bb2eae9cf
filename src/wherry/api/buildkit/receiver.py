"""Taking in a tree of files from a client: what is not here yet, and nothing else.

    sender     STAT STAT STAT ... STAT without an entry: that was all
    receiver   REQUEST for each file that is new or changed
    sender     DATA ... DATA with no bytes: that file is complete
    receiver   END                                             sender   END

(https://github.com/tonistiigi/fsutil.) Entries come in order, folders before what is in them. A
file whose size, mode and time are those of the one that is here is taken for the same, so the
folder is one that an earlier build has left. The sender is not trusted: every name is looked up
beneath the folder by the kernel without following links, and there are no devices.
"""

import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import suppress

from wherry.api.buildkit.messages.session import PACKET, Packet, PacketType, Stat
from wherry.errors import Internal, InvalidArgument, os_error_text
from wherry.linux.files import remove_entry, write_all
from wherry.linux.openat import READABLE_DIRECTORY, open_beneath, opened
from wherry.values import dataclass

_MOST_ENTRIES = 1_000_000
_LARGEST_TREE = 1 << 40  # bytes received at once
_DEEPEST = 400  # as in COPY
_MOST_OPEN = 64  # files that a sender may send side by side
_WRITE = os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC
_CREATE = _WRITE | os.O_CREAT | os.O_EXCL

# Go's bits of a file mode, io/fs.FileMode
_DIRECTORY, _SYMLINK, _DEVICE, _FIFO, _SOCKET = (1 << bit for bit in (31, 27, 26, 25, 24))
_TYPES = _DIRECTORY | _SYMLINK | _DEVICE | _FIFO | _SOCKET | 1 << 19 | 1 << 21
_SPECIAL = ((1 << 23, stat.S_ISUID), (1 << 22, stat.S_ISGID), (1 << 20, stat.S_ISVTX))


class InvalidTransfer(InvalidArgument):
    def __init__(self, problem: str) -> None:
        super().__init__(f"invalid transfer of files: {problem}")


def permissions_of(mode: int) -> int:
    """The kernel's bits of Go's mode."""
    return mode & 0o777 | sum(ours for theirs, ours in _SPECIAL if mode & theirs)


@dataclass(slots=True)
class _Wanted:
    """A file that was asked for; `descriptor` once it comes in.

    It is made before that where it has a second name.
    """

    entry: Stat
    is_made: bool = False
    descriptor: int = -1


class Receiver:
    """One transfer into the folder that is open as `root`. Used by one thread at a time."""

    def __init__(self, root: int) -> None:
        self._root = root
        self._count = 0
        self._kept: set[str] = set()
        self._folders: list[Stat] = []
        self._wanted: dict[int, _Wanted] = {}
        self._by_path: dict[str, _Wanted] = {}
        self._open = 0
        self._all_told = False
        self._parent: tuple[str, int] | None = None
        self.received = 0  # bytes
        self.finished = False

    def take(self, packets: Iterable[bytes]) -> list[bytes]:
        """Act on what has come; what is to be sent. Raises InvalidTransfer, and of full disks."""
        answers: list[bytes] = []
        try:
            for data in packets:
                answers += self._take(PACKET.decode(data))
        except OSError as error:
            raise Internal(f"failed to take in the context: {os_error_text(error)}") from error
        return answers

    def close(self) -> None:
        """Let go of what a transfer that was broken off has left open."""
        self._close_parent()
        for wanted in self._wanted.values():
            if wanted.descriptor >= 0:
                os.close(wanted.descriptor)
        self._wanted.clear()
        self._by_path.clear()

    def _take(self, packet: Packet) -> Iterator[bytes]:
        if packet.type == PacketType.STAT and not self._all_told:
            if packet.stat is not None:
                yield from self._entry(packet.stat)
            else:
                self._all_told = True
                self._remove_others()
                yield from self._end()
        elif packet.type == PacketType.DATA:
            self._data(packet)
            yield from self._end()
        elif packet.type == PacketType.ERROR:
            text = packet.data.decode("utf-8", "replace")
            raise InvalidTransfer(f"error from sender: {text}")
        elif packet.type == PacketType.END:
            self.finished = True
        else:
            raise InvalidTransfer(f"a packet of type {packet.type} was not expected")

    def _end(self) -> Iterator[bytes]:
        if self._all_told and not self._wanted:
            self._finish_folders()
            yield PACKET.encode(Packet(type=PacketType.END))

    # ---- entries

    def _entry(self, entry: Stat) -> Iterator[bytes]:
        number = self._count
        self._count += 1
        if self._count > _MOST_ENTRIES:
            raise InvalidTransfer(f"more than {_MOST_ENTRIES} files")
        parent, name = self._place(entry.path)
        if entry.mode & _DEVICE:
            raise InvalidTransfer(f"{entry.path} is a device")
        kind = entry.mode & _TYPES
        if kind == _SOCKET:
            return
        self._kept.add(entry.path)
        if kind == _DIRECTORY:
            self._folder(parent, name, entry)
        elif kind == _SYMLINK:
            self._symlink(parent, name, entry)
        elif kind == _FIFO:
            self._fifo(parent, name, entry)
        elif kind:
            raise InvalidTransfer(f"{entry.path} has the unknown mode {entry.mode:o}")
        elif entry.link:
            self._hard_link(parent, name, entry)
        elif not _is_same_file(parent, name, entry):
            self._wanted[number] = self._by_path[entry.path] = _Wanted(entry)
            yield PACKET.encode(Packet(type=PacketType.REQUEST, id=number))

    def _place(self, path: str) -> tuple[int, bytes]:
        """The opened folder and the name in it of a path from the sender."""
        parts = path.split("/")
        if not path or "\0" in path or any(part in ("", ".", "..") for part in parts):
            raise InvalidTransfer(f"{path!r} is no path of an entry")
        if len(parts) > _DEEPEST:
            raise InvalidTransfer(f"{path}: directories are nested too deep")
        if path in self._kept:
            raise InvalidTransfer(f"{path} comes twice")
        folder = "/".join(parts[:-1])
        if folder and folder not in self._kept:
            raise InvalidTransfer(f"{path} comes before its folder")
        if self._parent is None or self._parent[0] != folder:
            self._close_parent()
            flags = READABLE_DIRECTORY | os.O_NOFOLLOW
            self._parent = (folder, open_beneath(self._root, folder or ".", flags))
        return self._parent[1], os.fsencode(parts[-1])

    def _close_parent(self) -> None:
        if self._parent is not None:
            os.close(self._parent[1])
            self._parent = None

    def _folder(self, parent: int, name: bytes, entry: Stat) -> None:
        status = _status(parent, name)
        if status is None or not stat.S_ISDIR(status.st_mode):
            _remove(parent, name, status)
            os.mkdir(name, 0o700, dir_fd=parent)
        else:
            os.chmod(name, 0o700, dir_fd=parent)  # until all is in it
        self._folders.append(entry)

    def _symlink(self, parent: int, name: bytes, entry: Stat) -> None:
        target = os.fsencode(entry.link)
        status = _status(parent, name)
        if status is not None and stat.S_ISLNK(status.st_mode):
            same = os.readlink(name, dir_fd=parent) == target
            if same and status.st_mtime_ns == entry.modified:
                return
        _remove(parent, name, status)
        os.symlink(target, name, dir_fd=parent)
        _set_time(parent, name, entry)

    def _fifo(self, parent: int, name: bytes, entry: Stat) -> None:
        _remove(parent, name, _status(parent, name))
        os.mkfifo(name, permissions_of(entry.mode), dir_fd=parent)
        _set_time(parent, name, entry)

    def _hard_link(self, parent: int, name: bytes, entry: Stat) -> None:
        if entry.link not in self._kept:
            raise InvalidTransfer(f"{entry.path} is a link to {entry.link}, which has not come")
        _remove(parent, name, _status(parent, name))
        self._settle(entry.link)
        folder, _, source = entry.link.rpartition("/")
        with opened(open_beneath(self._root, folder or ".", READABLE_DIRECTORY)) as above:
            os.link(
                os.fsencode(source),
                name,
                src_dir_fd=above,
                dst_dir_fd=parent,
                follow_symlinks=False,
            )

    def _settle(self, path: str) -> None:
        """Make the file that is to come at `path` now: it is to have more than one name."""
        wanted = self._by_path.get(path)
        if wanted is not None and not wanted.is_made:
            os.close(self._opened(wanted))
            wanted.is_made = True

    def _remove_others(self) -> None:
        """Remove what the sender does not have, or has left out."""
        self._close_parent()
        with opened(os.open(".", READABLE_DIRECTORY | os.O_CLOEXEC, dir_fd=self._root)) as top:
            self._remove_in(top, "")

    def _remove_in(self, folder: int, path: str) -> None:
        with os.scandir(folder) as entries:
            found = [(each.name, each.is_dir(follow_symlinks=False)) for each in entries]
        for name, is_folder in found:
            here = f"{path}/{name}" if path else name
            if here not in self._kept:
                remove_entry(folder, os.fsencode(name))
            elif is_folder:
                flags = READABLE_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
                with opened(os.open(name, flags, dir_fd=folder)) as below:
                    self._remove_in(below, here)

    def _finish_folders(self) -> None:
        """Set what changes while something is made in them; the deepest first."""
        for entry in reversed(self._folders):
            above, _, name = entry.path.rpartition("/")
            with opened(open_beneath(self._root, above or ".", READABLE_DIRECTORY)) as parent:
                os.chmod(name, permissions_of(entry.mode), dir_fd=parent)
                _set_time(parent, os.fsencode(name), entry)
        self._folders.clear()

    # ---- contents

    def _begin(self, wanted: _Wanted) -> None:
        if self._open >= _MOST_OPEN:
            raise InvalidTransfer(f"more than {_MOST_OPEN} files at once")
        wanted.descriptor = self._opened(wanted)
        self._open += 1

    def _opened(self, wanted: _Wanted) -> int:
        """The file, open for its content; whatever else had its name goes."""
        above, _, name = wanted.entry.path.rpartition("/")
        with opened(open_beneath(self._root, above or ".", READABLE_DIRECTORY)) as parent:
            encoded = os.fsencode(name)
            if wanted.is_made:
                return os.open(encoded, _WRITE, dir_fd=parent)
            _remove(parent, encoded, _status(parent, encoded))
            return os.open(encoded, _CREATE, 0o600, dir_fd=parent)

    def _data(self, packet: Packet) -> None:
        wanted = self._wanted.get(packet.id)
        if wanted is None:
            raise InvalidTransfer(f"invalid file request {packet.id}")
        if wanted.descriptor < 0:
            self._begin(wanted)
        if packet.data:
            self.received += len(packet.data)
            if self.received > _LARGEST_TREE:
                raise InvalidTransfer(f"it is larger than {_LARGEST_TREE} bytes")
            write_all(wanted.descriptor, packet.data)
            return
        os.fchmod(wanted.descriptor, permissions_of(wanted.entry.mode))
        time = wanted.entry.modified
        os.utime(wanted.descriptor, ns=(time, time))
        os.close(wanted.descriptor)
        self._open -= 1
        del self._wanted[packet.id], self._by_path[wanted.entry.path]


def _is_same_file(parent: int, name: bytes, entry: Stat) -> bool:
    status = _status(parent, name)
    return (
        status is not None
        and stat.S_ISREG(status.st_mode)
        and status.st_size == entry.size
        and status.st_mtime_ns == entry.modified
        and stat.S_IMODE(status.st_mode) == permissions_of(entry.mode)
        and status.st_nlink == 1  # another name of it may have been another file then
    )


def _status(parent: int, name: bytes) -> os.stat_result | None:
    try:
        return os.stat(name, dir_fd=parent, follow_symlinks=False)
    except FileNotFoundError:
        return None


def _remove(parent: int, name: bytes, status: os.stat_result | None) -> None:
    if status is not None:
        with suppress(FileNotFoundError):
            remove_entry(parent, name)


def _set_time(parent: int, name: bytes, entry: Stat) -> None:
    times = (entry.modified, entry.modified)
    os.utime(name, ns=times, dir_fd=parent, follow_symlinks=False)
