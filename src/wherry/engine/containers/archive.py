"""Files into and out of a container as tar archives: what `cp` and the Engine API work with."""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from posixpath import join, normpath
from typing import TYPE_CHECKING

from wherry.engine.containers.whole_root import whole_root
from wherry.errors import InvalidArgument, NotFound, PermissionDenied
from wherry.linux.openat import DIRECTORY, open_in_root
from wherry.shim.events import container_event
from wherry.store.containers import Container, find_container
from wherry.store.copying import (
    PathStatus,
    archive_path,
    extract_archive,
    stat_path,
)

if TYPE_CHECKING:
    from wherry.engine.engine import Engine

_READABLE = os.O_RDONLY | os.O_NONBLOCK
_LARGEST_LIST = 1 << 20  # bytes read of /etc/passwd and /etc/group


class PathNotFound(NotFound):
    def __init__(self, path: str, container: str) -> None:
        super().__init__(f"Could not find the file {path} in container {container}")


class NotADirectoryThere(InvalidArgument):
    def __init__(self, path: str) -> None:
        super().__init__(f"lstat {path}: not a directory")


class NoFolderToExtractIn(InvalidArgument):
    def __init__(self) -> None:
        super().__init__("extraction point is not a directory")


class ReadOnlyRoot(PermissionDenied):
    def __init__(self) -> None:
        super().__init__("container rootfs is marked read-only")


class ReadOnlyVolume(PermissionDenied):
    def __init__(self) -> None:
        super().__init__("mounted volume is marked read-only")


def stat_in_container(engine: "Engine", name: str, path: str) -> PathStatus:
    """What is at `path`; of a link itself, with where it leads in the end."""
    container = find_container(engine.store, name)
    with whole_root(engine, container) as root, _told(name, path):
        return stat_path(root.descriptor, path)


@contextmanager
def archive_of(
    engine: "Engine", name: str, path: str, *, called: str = ""
) -> Iterator[tuple[PathStatus, Iterator[bytes]]]:
    """What is at `path` with all below it, as a tar; for the block.

    Its entries are named as Docker names them, or `called`.
    """
    container = find_container(engine.store, name)
    with whole_root(engine, container) as root:
        with _told(name, path):
            answer = archive_path(root.descriptor, path, called=called, devices=root.devices)
        container_event(engine.store, container, "archive-path")
        yield answer


def put_archive(
    engine: "Engine",
    name: str,
    path: str,
    chunks: Iterable[bytes],
    *,
    keep_kinds: bool = False,
    own: bool = False,
) -> None:
    """Unpack a tar, compressed or not, into the directory `path`.

    With `keep_kinds` no directory gives way to a file, nor the reverse. With `own` everything
    belongs to the user that the container runs as, else to whom the archive says.
    """
    container = find_container(engine.store, name)
    with whole_root(engine, container) as root:
        with _told(name, path):
            try:
                os.close(open_in_root(root.descriptor, join("/", path), DIRECTORY))
            except NotADirectoryError:
                raise NoFolderToExtractIn from None
        _check_writable(container, path)
        owner = _owner(container, root.descriptor) if own else None
        extract_archive(root.descriptor, path, chunks, keep_kinds=keep_kinds, owner=owner)
    container_event(engine.store, container, "extract-to-dir")


@contextmanager
def _told(name: str, path: str) -> Iterator[None]:
    """Failed lookups in Docker's words."""
    if not path:
        raise InvalidArgument("bad parameter: path cannot be empty")
    try:
        yield
    except FileNotFoundError as error:
        raise PathNotFound(path, name) from error
    except NotADirectoryError as error:
        raise NotADirectoryThere(path) from error


def _check_writable(container: Container, path: str) -> None:
    """As Docker checks it: by the path's words. Where links lead, the kernel refuses."""
    wanted = normpath(join("/", path))
    for point in container.details.mounts:
        if wanted == point.destination or wanted.startswith(point.destination.rstrip("/") + "/"):
            if not point.writable:
                raise ReadOnlyVolume
            return
    if container.config.read_only:
        raise ReadOnlyRoot


def _owner(container: Container, root: int) -> tuple[int, int] | None:
    if not container.config.user:
        return None
    # The runtime's documents come along, a third of what cp takes to start otherwise.
    from wherry.oci.users import resolve_user

    def lines(path: str) -> list[str]:
        try:
            descriptor = open_in_root(root, path, _READABLE)
        except OSError:
            return []
        with open(descriptor, "rb") as file:
            return file.read(_LARGEST_LIST).decode(errors="replace").splitlines()

    user = resolve_user(container.config.user, (), lines)
    return user.uid, user.gid
