"""Copying what a directory of an image holds into the tmpfs that hides it (`tmpcopyup`)."""

import os
import stat

from wherry.linux.files import copy_content
from wherry.linux.openat import READABLE_DIRECTORY, opened

_DIRECTORY = READABLE_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


def copy_tree(source: int, target: int) -> None:
    """Copy all below directory `source` into directory `target`, both O_PATH descriptors.

    Owners, modes, times and links are kept; no link is followed.
    """
    with (
        opened(os.open(".", _DIRECTORY, dir_fd=source)) as readable,
        opened(os.open(".", _DIRECTORY, dir_fd=target)) as writable,
    ):
        _copy_entries(readable, writable)


def _copy_entries(source: int, target: int) -> None:
    for name in os.listdir(source):
        status = os.stat(name, dir_fd=source, follow_symlinks=False)
        _copy_entry(source, target, name, status)
        os.chown(name, status.st_uid, status.st_gid, dir_fd=target, follow_symlinks=False)
        if not stat.S_ISLNK(status.st_mode):
            # After chown, which clears set-user-ID. The name is ours: nobody else is here yet.
            os.chmod(name, stat.S_IMODE(status.st_mode), dir_fd=target)
        times = (status.st_atime_ns, status.st_mtime_ns)
        os.utime(name, ns=times, dir_fd=target, follow_symlinks=False)


def _copy_entry(source: int, target: int, name: str, status: os.stat_result) -> None:
    if stat.S_ISDIR(status.st_mode):
        os.mkdir(name, 0o700, dir_fd=target)
        with (
            opened(os.open(name, _DIRECTORY, dir_fd=source)) as below,
            opened(os.open(name, _DIRECTORY, dir_fd=target)) as copy,
        ):
            _copy_entries(below, copy)
    elif stat.S_ISREG(status.st_mode):
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        reading = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC
        with (
            opened(os.open(name, reading, dir_fd=source)) as content,
            opened(os.open(name, flags, 0o600, dir_fd=target)) as copy,
        ):
            copy_content(content, copy)
    elif stat.S_ISLNK(status.st_mode):
        os.symlink(os.readlink(name, dir_fd=source), name, dir_fd=target)
    else:
        os.mknod(name, status.st_mode, status.st_rdev, dir_fd=target)
