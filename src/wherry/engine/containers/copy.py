"""Copying between a container and the machine's own files, one way or the other."""

import errno
import os
import stat
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing
from posixpath import join
from typing import TYPE_CHECKING

from wherry.engine.containers.archive import archive_of, put_archive, stat_in_container
from wherry.engine.containers.copy_rules import (
    Destination,
    Placement,
    Source,
    absolute,
    clean,
    parent,
    placement,
    renamed,
    split,
)
from wherry.errors import InvalidArgument, NotFound, WherryError
from wherry.go_text import reason
from wherry.linux.openat import DIRECTORY
from wherry.store.copying import archive_entry, extract_archive

if TYPE_CHECKING:
    from wherry.engine.engine import Engine

Progress = Callable[[int], None]  # is told how many bytes of archive went by
_MOST_LINKS = 10  # that a local destination may be behind


class BadLocalPath(InvalidArgument):
    pass


class BadDestination(InvalidArgument):
    pass


def copy_out(
    engine: "Engine",
    name: str,
    path: str,
    destination: str,
    *,
    follow: bool = False,
    progress: Progress | None = None,
) -> None:
    """Copy `path` of the container to the local `destination`; `follow` a link at its end.

    What is made belongs to this user.
    """
    target = absolute(destination)
    _check_output(target)
    source, called = path, ""
    if follow:
        source, called = _followed(engine, name, path)
    status = stat_in_container(engine, name, source)
    goes = placement(
        Source(path=source, is_directory=status.is_directory, called=called),
        _local_destination(target),
    )
    with archive_of(engine, name, source, called=goes.name) as (_, chunks):
        _extract(goes, _counted(chunks, progress))


def copy_in(
    engine: "Engine",
    source: str,
    name: str,
    path: str,
    *,
    follow: bool = False,
    own: bool = False,
    progress: Progress | None = None,
) -> str:
    """Copy the local `source` to `path` of the container; the place it went to.

    With `own` the copy belongs to the user that the container runs as.
    """
    destination = _destination_in(engine, name, path)
    found = _local_source(absolute(source), follow=follow)
    goes = placement(found, destination)
    directory, entry = split(found.path)
    try:
        root = os.open(directory, DIRECTORY | os.O_CLOEXEC)
        try:
            chunks = archive_entry(root, entry, goes.name)
        finally:
            os.close(root)
    except OSError as error:
        raise _local_error(error, found.path) from error
    with closing(_counted(chunks, progress)) as stream:
        put_archive(engine, name, goes.directory, stream, keep_kinds=True, own=own)
    return destination.path


def copy_archive_in(
    engine: "Engine", chunks: Iterable[bytes], name: str, path: str, *, own: bool = False
) -> None:
    """Unpack a tar in the directory `path` of the container."""
    destination = _destination_in(engine, name, path)
    if not destination.is_directory:
        raise BadDestination(f'destination "{name}:{path}" must be a directory')
    put_archive(engine, name, destination.path, chunks, keep_kinds=True, own=own)


def copy_archive_out(
    engine: "Engine", name: str, path: str, *, follow: bool = False
) -> Iterator[bytes]:
    """The pieces of a tar of `path`."""
    source, _ = _followed(engine, name, path) if follow else (path, "")
    with archive_of(engine, name, source) as (_, chunks):
        yield from chunks


def _followed(engine: "Engine", name: str, path: str) -> tuple[str, str]:
    status = stat_in_container(engine, name, path)
    return renamed(path, status.link) if status.is_link else (path, "")


def _destination_in(engine: "Engine", name: str, path: str) -> Destination:
    """What is there; a failure to look is told when the copy is made, if that fails as well."""
    try:
        status = stat_in_container(engine, name, path)
        if status.is_link:
            path = status.link
            status = stat_in_container(engine, name, path)
    except (NotFound, InvalidArgument, OSError):
        return Destination(path=path)
    if problem := _no_place(status.mode):
        raise BadDestination(
            f'destination "{name}:{path}" must be a directory or a regular file: {problem}'
        )
    return Destination(path=path, exists=True, is_directory=status.is_directory)


def _no_place(mode: int) -> str:
    """What keeps a copy from going there; pipes and sockets make place."""
    return "got a device" if stat.S_ISCHR(mode) or stat.S_ISBLK(mode) else ""


# ---- the machine's own files


def _local_source(path: str, *, follow: bool) -> Source:
    called = ""
    above, _, name = path.rpartition("/")
    try:
        if follow:
            path, called = renamed(path, os.path.realpath(path, strict=True))
        elif name:
            path = join(os.path.realpath(above or "/", strict=True), name)
        else:
            resolved = os.path.realpath(path, strict=True) + "/"
            called = "" if split(path)[1] == split(resolved)[1] else split(path)[1]
            path = resolved
        status = os.lstat(path)
    except OSError as error:
        raise _local_error(error, path) from error
    return Source(path=path, is_directory=stat.S_ISDIR(status.st_mode), called=called)


def _local_error(error: OSError, path: str) -> WherryError:
    if isinstance(error, NotADirectoryError):
        return BadLocalPath("not a directory")
    if error.errno == errno.ELOOP:
        return BadLocalPath("EvalSymlinks: too many links")
    kind = NotFound if isinstance(error, FileNotFoundError) else BadLocalPath
    return kind(f"lstat {os.fsdecode(error.filename or path)}: {reason(error)}")


def _check_output(path: str) -> None:
    folder = parent(path)
    try:
        os.stat(folder)
    except FileNotFoundError:
        raise NotFound(f'invalid output path: directory "{folder}" does not exist') from None
    except OSError:
        pass  # what is behind it cannot be looked at either
    try:
        mode = os.stat(path).st_mode
    except FileNotFoundError:  # to be made
        return
    except OSError as error:
        raise BadLocalPath(f"stat {path}: {reason(error)}") from error
    if problem := _no_place(mode):
        raise BadLocalPath(
            f'invalid output path: "{path}" must be a directory or a regular file: {problem}'
        )


def _local_destination(path: str) -> Destination:
    wanted = path
    for _ in range(_MOST_LINKS + 1):
        try:
            status = os.lstat(path)
        except FileNotFoundError:
            if not os.path.isdir(parent(path)):
                raise _local_error(FileNotFoundError(2, ""), parent(path)) from None
            return Destination(path=path)
        except OSError as error:
            raise _local_error(error, path) from error
        if not stat.S_ISLNK(status.st_mode):
            is_directory = stat.S_ISDIR(status.st_mode)
            return Destination(path=path, exists=True, is_directory=is_directory)
        path = clean(join(parent(path), os.readlink(path)))
    raise BadLocalPath(f"too many symlinks in {wanted}")


def _extract(goes: Placement, chunks: Generator[bytes, None, None]) -> None:
    with closing(chunks) as stream:
        try:
            root = os.open(goes.directory, DIRECTORY | os.O_CLOEXEC)
        except OSError as error:
            raise _local_error(error, goes.directory) from error
        try:
            owner = (os.geteuid(), os.getegid())
            extract_archive(root, "/", stream, keep_kinds=True, owner=owner, called=goes.directory)
        finally:
            os.close(root)


def _counted(chunks: Iterable[bytes], progress: Progress | None) -> Generator[bytes, None, None]:
    for chunk in chunks:
        if progress is not None:
            progress(len(chunk))
        yield chunk
