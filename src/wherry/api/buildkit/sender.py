"""Giving a tree of files to a client: `receiver`'s protocol from its other side.

What is in the folder was built here, so it is this machine's own; the client decides what it makes
of it, and asks for the contents of the files that it wants.
"""

import os
import stat
from collections.abc import Iterator

from wherry.api.buildkit.messages.session import PACKET, Packet, PacketType, Stat
from wherry.api.buildkit.receiver import InvalidTransfer
from wherry.linux.openat import READABLE_DIRECTORY, open_beneath, opened

_READ = 1 << 15
_KINDS = {
    stat.S_IFDIR: 1 << 31,
    stat.S_IFLNK: 1 << 27,
    stat.S_IFIFO: 1 << 25,
    stat.S_IFSOCK: 1 << 24,
    stat.S_IFBLK: 1 << 26,
    stat.S_IFCHR: 1 << 26 | 1 << 21,
}
_SPECIAL = ((stat.S_ISUID, 1 << 23), (stat.S_ISGID, 1 << 22), (stat.S_ISVTX, 1 << 20))


class Sender:
    """One transfer out of the folder that is open as `root`.

    What the methods give may be taken by a thread each: contents are asked for while entries are
    still being told.
    """

    def __init__(self, root: int) -> None:
        self._root = root
        self._files: dict[int, str] = {}
        self._count = 0

    def entries(self) -> Iterator[bytes]:
        """The packets that tell what there is, in the order that receivers want."""
        with opened(os.open(".", READABLE_DIRECTORY | os.O_CLOEXEC, dir_fd=self._root)) as top:
            yield from self._entries_in(top, "", {})
        yield PACKET.encode(Packet(type=PacketType.STAT))

    def _entries_in(
        self, folder: int, path: str, links: dict[tuple[int, int], str]
    ) -> Iterator[bytes]:
        for name in sorted(os.listdir(folder), key=os.fsencode):
            here = f"{path}/{name}" if path else name
            status = os.stat(name, dir_fd=folder, follow_symlinks=False)
            link = ""
            if stat.S_ISLNK(status.st_mode):
                link = os.readlink(name, dir_fd=folder)
            elif stat.S_ISREG(status.st_mode):
                if status.st_nlink > 1:
                    link = links.get((status.st_dev, status.st_ino), "")
                    links.setdefault((status.st_dev, status.st_ino), here)
                self._files[self._count] = here
            self._count += 1
            entry = _stat(here, status, link)
            yield PACKET.encode(Packet(type=PacketType.STAT, stat=entry))
            if stat.S_ISDIR(status.st_mode):
                flags = READABLE_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
                with opened(os.open(name, flags, dir_fd=folder)) as below:
                    yield from self._entries_in(below, here, links)

    def content(self, number: int) -> Iterator[bytes]:
        """The packets with the content of the file that a receiver asks for."""
        path = self._files.get(number)
        if path is None:
            raise InvalidTransfer(f"invalid file id {number}")
        with opened(open_beneath(self._root, path, os.O_RDONLY | os.O_NONBLOCK)) as file:
            while data := os.read(file, _READ):
                yield PACKET.encode(Packet(type=PacketType.DATA, id=number, data=data))
        yield PACKET.encode(Packet(type=PacketType.DATA, id=number))


def _stat(path: str, status: os.stat_result, link: str) -> Stat:
    mode = stat.S_IMODE(status.st_mode) & 0o777
    mode |= sum(theirs for ours, theirs in _SPECIAL if status.st_mode & ours)
    is_device = stat.S_ISCHR(status.st_mode) or stat.S_ISBLK(status.st_mode)
    return Stat(
        path=path,
        mode=mode | _KINDS.get(stat.S_IFMT(status.st_mode), 0),
        uid=status.st_uid,
        gid=status.st_gid,
        size=status.st_size if stat.S_ISREG(status.st_mode) and not link else 0,
        modified=status.st_mtime_ns,
        link=link,
        major=os.major(status.st_rdev) if is_device else 0,
        minor=os.minor(status.st_rdev) if is_device else 0,
    )
