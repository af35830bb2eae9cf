"""`--chown=user:group`, looked up in the files of the stage."""

import os
import stat
from collections.abc import Callable, Iterable

from wherry.linux.openat import open_in_root, opened

_LARGEST = 16 << 20


def parse_owner(text: str, view: Callable[[], int | None]) -> tuple[int, int]:
    """The numbers of `[user][:group]`; a number without a group is its group's too.

    Names are looked up in the root that `view` opens.
    """
    user, colon, group = text.partition(":")
    if not colon and _is_number(user):
        return int(user), int(user)
    if _is_number(user) and _is_number(group):
        return int(user), int(group)
    from wherry.oci.users import resolve_user  # numbers need no files

    found = resolve_user(text, (), lambda path: lines_in(view(), path))
    return found.uid, found.gid


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= 10


def lines_in(view: int | None, path: str) -> Iterable[str]:
    """The lines of a regular file below the root `view`; none when there is no such file."""
    if view is None:
        return ()
    try:
        descriptor = open_in_root(view, path, os.O_RDONLY | os.O_NONBLOCK)
    except OSError:
        return ()
    with opened(descriptor):
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            return ()
        with open(descriptor, "rb", closefd=False) as file:
            return file.read(_LARGEST).decode(errors="surrogateescape").split("\n")
