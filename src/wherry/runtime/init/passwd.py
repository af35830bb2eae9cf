"""The home directory of a user, from the container's own /etc/passwd."""

import os
import stat

_LARGEST = 1 << 20


def home_of(uid: int) -> str:
    """The home of `uid` according to /etc/passwd of this process's root, or "/"."""
    for line in _lines("/etc/passwd"):
        fields = line.split(":")
        if len(fields) >= 6 and fields[2] == str(uid):
            return fields[5] or "/"
    return "/"


def _lines(path: str) -> list[str]:
    # The file is the image's: it may be missing, huge, or a pipe that nobody writes to.
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return []
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            return []
        return os.read(descriptor, _LARGEST).decode(errors="surrogateescape").split("\n")
    finally:
        os.close(descriptor)
