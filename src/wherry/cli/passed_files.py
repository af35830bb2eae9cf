"""Files of flags that only the client can read: `--env-file <(...)`, /dev/stdin, /dev/null.

A file with a name is read by the process that makes the container. A pipe is this process's
alone, so what comes out of it is copied to memory that the other can open.
"""

import os
import stat

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

_MOST = (16 << 20) + 1  # one byte more than what the engine takes, which says so


def readable_paths(paths: "Iterable[str]") -> "list[str]":
    """`paths`, with those that lead to no regular file replaced. The copies last as long as we."""
    return [_copied(path) if _is_ours_alone(path) else path for path in paths]


def _is_ours_alone(path: str) -> bool:
    try:
        kind = os.stat(path).st_mode
    except OSError:  # whoever reads it will say why
        return False
    return path.startswith(("/dev/fd/", "/proc/self/")) or not (
        stat.S_ISREG(kind) or stat.S_ISDIR(kind)
    )


def _copied(path: str) -> str:
    copy = os.memfd_create("wherry", os.MFD_CLOEXEC)
    left = _MOST
    with open(path, "rb", buffering=0) as file:
        while left and (piece := file.read(min(left, 1 << 16))):
            left -= os.write(copy, piece)
    return f"/proc/{os.getpid()}/fd/{copy}"
