"""Docker's rules on where a copy goes and how it is called, as `docker cp` documents them.

Paths keep what Docker reads from their ends: a slash says directory, `/.` says what is in it.
"""

import os
from posixpath import basename, dirname, normpath

from wherry.errors import InvalidArgument, NotFound
from wherry.values import dataclass


class CannotCopyDirectory(InvalidArgument):
    def __init__(self) -> None:
        super().__init__("cannot copy directory")


class NoSuchDirectory(NotFound):
    def __init__(self) -> None:
        super().__init__("no such directory")


@dataclass(frozen=True, kw_only=True, slots=True)
class Source:
    """`called` is the name that the words gave it, where a link gave it another; else ""."""

    path: str
    is_directory: bool
    called: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Destination:
    path: str
    exists: bool = False
    is_directory: bool = False


@dataclass(frozen=True, slots=True)
class Placement:
    """The directory to unpack in, and the name that the copy has there; "." is no name at all."""

    directory: str
    name: str


def placement(source: Source, destination: Destination) -> Placement:
    """Where a copy goes; CannotCopyDirectory, NoSuchDirectory."""
    if destination.exists and destination.is_directory:
        return Placement(destination.path, source.called or split(source.path)[1])
    if destination.exists and source.is_directory:
        raise CannotCopyDirectory
    if not source.is_directory and not destination.exists and says_directory(destination.path):
        raise NoSuchDirectory
    return Placement(*split(destination.path))


def split(path: str) -> tuple[str, str]:
    """The directory and the name in it; of `a/.`, `a` and `.`."""
    cleaned = clean(path)
    if _says_content(path):
        cleaned += "/."
    above, _, name = cleaned.rpartition("/")
    return (above or ("/" if cleaned.startswith("/") else ".")), name or "/"


def clean(path: str) -> str:
    """Go's filepath.Clean."""
    cleaned = normpath(path)
    return cleaned[1:] if cleaned.startswith("//") else cleaned


def absolute(path: str) -> str:
    """A local path from the root, with what its end said."""
    return _with_end_of(path, clean(os.path.abspath(path)))


def renamed(path: str, target: str) -> tuple[str, str]:
    """`target`, where the link `path` leads, and the name to keep if that is another."""
    target = _with_end_of(path, target)
    return target, (_base(path) if _base(path) != _base(target) else "")


def says_directory(path: str) -> bool:
    return path.endswith("/") or _says_content(path)


def _says_content(path: str) -> bool:
    return _base(path) == "."


def _base(path: str) -> str:
    """Go's filepath.Base."""
    if not path:
        return "."
    return basename(path.rstrip("/")) or "/"


def _with_end_of(original: str, path: str) -> str:
    if _says_content(original) and not _says_content(path):
        path = path if path.endswith("/") else path + "/"
        path += "."
    if original.endswith("/") and not path.endswith("/"):
        path += "/"
    return path


def parent(path: str) -> str:
    """The directory that a path with any end is in."""
    return dirname(clean(path)) or "."
