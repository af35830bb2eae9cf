"""Build contexts: a folder read in place, or what arrives and is unpacked into a staging folder.

PATH     a folder                        URL   a git repository, a tar archive, a Dockerfile
-        a tar archive or a Dockerfile on standard input
"""

import hashlib
import os
import sys
from contextlib import ExitStack

from wherry.build.source_trees import SourceTree
from wherry.build.urls import is_on_github, is_remote
from wherry.dockerfile.dockerfile import Dockerfile
from wherry.dockerfile.ignorefile import IgnoreFile, ignore_file_names, parse_ignore_file
from wherry.dockerfile.parser import LARGEST, parse
from wherry.errors import InvalidArgument, NotFound
from wherry.linux.openat import READABLE_DIRECTORY, open_in_root, opened
from wherry.store.leases import Lease
from wherry.values import dataclass, replace

DEFAULT_NAME = "Dockerfile"


class NoSuchContext(NotFound):
    def __init__(self, path: str) -> None:
        super().__init__(f'unable to prepare context: path "{path}" not found')


class ContextNotADirectory(InvalidArgument):
    def __init__(self, path: str) -> None:
        super().__init__(
            f"unable to prepare context: context must be a directory: {path}",
            hint=f"the Dockerfile is named with -f: wherry build -f {path} FOLDER",
        )


class NoDockerfile(NotFound):
    def __init__(self, name: str, hint: str = "") -> None:
        super().__init__(
            f"failed to read dockerfile: open {name}: no such file or directory", hint=hint
        )


class StdinTwice(InvalidArgument):
    def __init__(self) -> None:
        super().__init__("invalid argument: can't use stdin for both build context and dockerfile")


@dataclass(frozen=True, slots=True)
class OpenedContext:
    """What a build reads. `place` names the Dockerfile among all of this installation."""

    tree: SourceTree
    dockerfile: Dockerfile
    place: str


def open_context(
    lease: Lease,
    name: str,
    dockerfile: str,
    undo: ExitStack,
    *,
    ignorefile: str = "",
    cwd: str = "",
) -> OpenedContext:
    """The context `name` and the Dockerfile in it, `dockerfile` if that is named."""
    if name == "-" and dockerfile == "-":
        raise StdinTwice
    if not name:
        raise NoSuchContext(name)
    folder = os.path.join(cwd or os.getcwd(), name)
    if name == "-" or is_remote(name) or (is_on_github(name) and not os.path.isdir(folder)):
        from wherry.build.arriving_contexts import open_arriving_context  # what few builds have

        rules = os.path.join(cwd or os.getcwd(), ignorefile) if ignorefile else ""
        return open_arriving_context(lease, name, dockerfile, undo, ignorefile=rules)
    root = open_folder(folder, undo)
    identity = _identity(root)
    tree = SourceTree(name="the context", root=root, identity=identity, owned=False)
    if dockerfile == "-":
        text = sys.stdin.buffer.read(LARGEST + 1)
        tree = with_rules(tree, "", ignorefile)
        return OpenedContext(tree, parse(text, DEFAULT_NAME), f"{folder}\0-")
    path = os.path.join(cwd or os.getcwd(), dockerfile) if dockerfile else _default(folder)
    try:
        with open(path, "rb") as file:
            data = file.read(LARGEST + 1)
    except FileNotFoundError:
        raise NoDockerfile(dockerfile or DEFAULT_NAME) from None
    except IsADirectoryError:
        raise InvalidArgument(f"failed to read dockerfile: {path} is a directory") from None
    parsed = parse(data, os.path.basename(dockerfile or path))
    tree = with_rules(tree, path, ignorefile)
    return OpenedContext(tree, parsed, f"{os.path.realpath(folder)}\0{os.path.realpath(path)}")


def open_named_context(folder: str, name: str, undo: ExitStack) -> SourceTree:
    """A folder of --build-context."""
    root = open_folder(folder, undo)
    tree = SourceTree(name=f"context {name}", root=root, identity=_identity(root), owned=False)
    return with_rules(tree, "", "")


def open_folder(folder: str, undo: ExitStack) -> int:
    try:
        root = os.open(folder, READABLE_DIRECTORY | os.O_CLOEXEC)
    except FileNotFoundError:
        raise NoSuchContext(folder) from None
    except NotADirectoryError:
        raise ContextNotADirectory(folder) from None
    undo.callback(os.close, root)
    return root


def _identity(root: int) -> str:
    status = os.fstat(root)
    text = f"{status.st_dev} {status.st_ino} {os.readlink(f'/proc/self/fd/{root}')}"
    return f"path-{hashlib.sha256(os.fsencode(text)).hexdigest()[:32]}"


def _default(folder: str) -> str:
    path = os.path.join(folder, DEFAULT_NAME)
    lower = os.path.join(folder, DEFAULT_NAME.lower())
    return lower if not os.path.exists(path) and os.path.exists(lower) else path


def with_rules(tree: SourceTree, dockerfile: str, ignorefile: str) -> SourceTree:
    """The tree with the rules of its ignore file: that of the Dockerfile, else its own."""
    if ignorefile:
        candidates = [ignorefile]
    elif dockerfile:
        beside, _ = ignore_file_names(dockerfile)
        candidates = [beside]
    else:
        candidates = []
    for path in candidates:
        try:
            with open(path, "rb") as file:
                return ruled(tree, file.read(LARGEST + 1), os.path.basename(path))
        except FileNotFoundError:
            if ignorefile:
                raise NotFound(f"{ignorefile}: no such ignore file") from None
    _, common = ignore_file_names("")
    data = read_inside(tree.root, common)
    return tree if data is None else ruled(tree, data, common)


def read_inside(root: int, name: str) -> bytes | None:
    """The beginning of a file, wherever links in the context lead; None if it is not there."""
    try:
        descriptor = open_in_root(root, name, os.O_RDONLY | os.O_NONBLOCK)
    except OSError:
        return None
    with opened(descriptor), open(descriptor, "rb", closefd=False) as file:
        return file.read(LARGEST + 1)


def ruled(tree: SourceTree, data: bytes, name: str) -> SourceTree:
    rules: IgnoreFile = parse_ignore_file(data, name)
    return replace(tree, ignore=rules, ignore_name=name) if rules.rules else tree
