"""The places inside a container's root where things are mounted, made when missing.

Every path is resolved by the kernel inside the root (openat2 with RESOLVE_IN_ROOT), and what
is mounted is put on the resulting descriptor: a link, or a process that swaps one for a
directory meanwhile, leads nowhere else (CVE-2021-30465 and its kin).
"""

import errno
import os
import stat

from wherry.linux.openat import DIRECTORY, Resolve, open_in_root, openat2, opened

_DEEPEST_LINK = 40  # as the kernel's own limit, path_resolution(7)


def open_target(root: int, path: str) -> int:
    """An O_PATH descriptor of `path` inside `root`, links followed."""
    return open_in_root(root, path, os.O_PATH)


def open_plain_target(root: int, path: str) -> int:
    """As `open_target`, for a path that must not hold any link."""
    try:
        return openat2(root, path, os.O_PATH, resolve=Resolve.IN_ROOT | Resolve.NO_SYMLINKS)
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise OSError(error.errno, "must be mounted on an ordinary directory", path) from None
        raise


def make_directory(root: int, path: str, links: int = _DEEPEST_LINK) -> int:
    """An O_PATH descriptor of the directory `path`, made with its parents when missing.

    A link that points at nothing gets its target made, inside the root.
    """
    try:
        return open_in_root(root, path, DIRECTORY)
    except FileNotFoundError:
        pass
    parent, name = _split(path)
    with opened(make_directory(root, parent, links)) as above:
        try:
            os.mkdir(name, 0o755, dir_fd=above)
        except FileExistsError:
            if (target := _link_at(above, name)) is not None:
                return make_directory(root, _joined(parent, target, links, path), links - 1)
    return open_in_root(root, path, DIRECTORY)


def make_file(root: int, path: str, links: int = _DEEPEST_LINK) -> int:
    """An O_PATH descriptor of the file `path`, made empty when missing."""
    try:
        return open_in_root(root, path, os.O_PATH)
    except FileNotFoundError:
        pass
    parent, name = _split(path)
    with opened(make_directory(root, parent, links)) as above:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW
        try:
            os.close(os.open(name, flags, 0o755, dir_fd=above))
        except FileExistsError:
            if (target := _link_at(above, name)) is not None:
                return make_file(root, _joined(parent, target, links, path), links - 1)
    return open_in_root(root, path, os.O_PATH)


def is_directory(descriptor: int) -> bool:
    return stat.S_ISDIR(os.fstat(descriptor).st_mode)


def _split(path: str) -> tuple[str, str]:
    parent, name = os.path.split(path.rstrip("/"))
    if name in ("", ".", ".."):
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)
    return parent or "/", name


def _link_at(directory: int, name: str) -> str | None:
    try:
        return os.readlink(name, dir_fd=directory)
    except OSError as error:
        if error.errno == errno.EINVAL:  # not a link: made meanwhile, or of another type
            return None
        raise


def _joined(parent: str, target: str, links: int, path: str) -> str:
    if links == 0:
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), path)
    return os.path.join(parent, target)
