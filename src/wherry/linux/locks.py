"""Locks on open files: flock(2).

A lock belongs to the open file, not to the process: threads of one process exclude each other
too, and the kernel lets go of it when the last descriptor is closed, however its owner ended.
A fork shares it; whoever forks with a lock in hand keeps it until the child has closed its copy.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager

EXCLUSIVE = fcntl.LOCK_EX
SHARED = fcntl.LOCK_SH


def try_lock(descriptor: int, kind: int = EXCLUSIVE) -> bool:
    """Take the lock if that is possible at once."""
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextmanager
def locked(path: str | os.PathLike[str], kind: int = EXCLUSIVE) -> Iterator[None]:
    """Hold a lock on the file `path`, made if missing and left there afterwards."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, kind)
        yield
    finally:
        os.close(descriptor)


@contextmanager
def locked_by_name(path: str | os.PathLike[str]) -> Iterator[None]:
    """Hold an exclusive lock named by `path`; the file is there only while someone wants it."""
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, EXCLUSIVE)
            # Whoever had it removed the file: a newcomer then locks another file of this name.
            if not _is_at(descriptor, path):
                continue
            try:
                yield
            finally:
                os.unlink(path)
            return
        finally:
            os.close(descriptor)


def _is_at(descriptor: int, path: str | os.PathLike[str]) -> bool:
    try:
        there = os.stat(path, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return os.path.samestat(os.fstat(descriptor), there)
