"""Build contexts that come from elsewhere: a stream, a repository, a file from the web.

A tar archive is unpacked and is the context; anything else is a Dockerfile, and the context is
empty. The Dockerfile is inside of the context, unless it comes on standard input.
"""

import os
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path

from wherry.build.contexts import (
    DEFAULT_NAME,
    NoDockerfile,
    OpenedContext,
    open_folder,
    read_inside,
    ruled,
    with_rules,
)
from wherry.build.kept_sources import identity_of
from wherry.build.source_trees import SourceTree
from wherry.build.urls import is_git, is_on_github
from wherry.dockerfile.ignorefile import ignore_file_names
from wherry.dockerfile.parser import LARGEST, parse
from wherry.errors import InvalidArgument
from wherry.linux.openat import READABLE_DIRECTORY, opened
from wherry.store.compression import decompressed
from wherry.store.leases import Lease
from wherry.store.tar.entry import BLOCK
from wherry.store.tar.numbers import checksum_matches
from wherry.store.tar.reader import TarReader
from wherry.store.tree import TreeWriter, clean_name
from wherry.values import replace

_READ = 1 << 18
_WEB_NAME = "context"  # what BuildKit calls a file that is a context


class TwoDockerfiles(InvalidArgument):
    def __init__(self) -> None:
        super().__init__(
            "ambiguous Dockerfile source: both stdin and flag correspond to Dockerfiles"
        )


def open_arriving_context(
    lease: Lease, name: str, dockerfile: str, undo: ExitStack, *, ignorefile: str = ""
) -> OpenedContext:
    """The context that `name`, `-` or a URL, means."""
    if name == "-":
        context = _of_stream(lease, _chunks(sys.stdin.buffer.read), dockerfile, undo, "-")
    else:
        context = _of_url(lease, name, dockerfile, undo)
    if ignorefile:
        tree = replace(context.tree, ignore=None, ignore_name="")
        context = replace(context, tree=with_rules(tree, "", ignorefile))
    return context


def fetched_context(lease: Lease, url: str, name: str, undo: ExitStack) -> SourceTree:
    """A URL of --build-context: a repository, or one file called `context`."""
    tree = _tree_of_git(lease, url, undo) if is_git(url) else _tree_of_file(lease, url, undo)
    return replace(tree, name=f"context {name}")


def unpack_tar(pieces: Iterable[bytes], folder: str | os.PathLike[str]) -> None:
    """Unpack a tar archive into a folder, over what is there."""
    with (
        opened(os.open(folder, READABLE_DIRECTORY | os.O_CLOEXEC)) as root,
        TreeWriter(root, settled=True) as writer,
    ):
        reader = TarReader(pieces)
        for entry in reader:
            if name := clean_name(entry.name, reader.offset):
                writer.make(name, entry, reader)
        writer.finish()


def _of_url(lease: Lease, url: str, dockerfile: str, undo: ExitStack) -> OpenedContext:
    if is_git(url) or is_on_github(url):
        return _with_dockerfile(_tree_of_git(lease, url, undo), dockerfile, url)
    tree = _tree_of_file(lease, url, undo)
    with open(os.open(_WEB_NAME, os.O_RDONLY | os.O_CLOEXEC, dir_fd=tree.root), "rb") as file:
        return _of_stream(lease, _chunks(file.read), dockerfile, undo, url)


def _tree_of_git(lease: Lease, url: str, undo: ExitStack) -> SourceTree:
    from wherry.build.git_sources import fetch_git  # subprocesses, for those who fetch

    return _tree(fetch_git(lease, url, undo), undo, kept=True)


def _tree_of_file(lease: Lease, url: str, undo: ExitStack) -> SourceTree:
    from wherry.build.web_sources import fetch_file  # urllib, for those who fetch

    return _tree(fetch_file(lease, url, _WEB_NAME, undo), undo, kept=True)


def _tree(folder: Path, undo: ExitStack, *, kept: bool = False) -> SourceTree:
    root = open_folder(str(folder), undo)
    identity = identity_of(folder) if kept else ""
    return SourceTree(name="the context", root=root, identity=identity, owned=False)


def _chunks(read: Callable[[int], bytes]) -> Iterator[bytes]:
    while data := read(_READ):
        yield data


def _of_stream(
    lease: Lease, chunks: Iterable[bytes], dockerfile: str, undo: ExitStack, place: str
) -> OpenedContext:
    folder = lease.new_path("-unpacked")
    folder.mkdir(mode=0o755)
    pieces = iter(decompressed(chunks))
    head = b""
    while len(head) < BLOCK and (piece := next(pieces, b"")):
        head += piece
    if len(head) >= BLOCK and checksum_matches(head[:BLOCK]):
        unpack_tar(_joined(head, pieces), folder)
        return _with_dockerfile(_tree(folder, undo), dockerfile, place)
    if dockerfile:
        raise TwoDockerfiles
    text = head
    for piece in pieces:
        text += piece
        if len(text) > LARGEST:
            break
    if not text.strip():
        raise InvalidArgument("the Dockerfile cannot be empty")
    return OpenedContext(_tree(folder, undo), parse(text, DEFAULT_NAME), place)


def _joined(head: bytes, pieces: Iterable[bytes]) -> Iterator[bytes]:
    yield head
    yield from pieces


def _with_dockerfile(tree: SourceTree, dockerfile: str, place: str) -> OpenedContext:
    """A context whose Dockerfile is inside of it, wherever links there lead, or on stdin."""
    if dockerfile == "-":
        text = sys.stdin.buffer.read(LARGEST + 1)
        return OpenedContext(
            _with_rules_inside(tree, DEFAULT_NAME), parse(text, DEFAULT_NAME), f"{place}\0-"
        )
    name = dockerfile or DEFAULT_NAME
    data = read_inside(tree.root, name)
    if data is None and not dockerfile:
        name = name.lower()
        data = read_inside(tree.root, name)
    if data is None:
        raise NoDockerfile(dockerfile or DEFAULT_NAME)
    tree = _with_rules_inside(tree, name)
    return OpenedContext(tree, parse(data, os.path.basename(name)), f"{place}\0{name}")


def _with_rules_inside(tree: SourceTree, dockerfile: str) -> SourceTree:
    for name in ignore_file_names(dockerfile):
        data = read_inside(tree.root, name)
        if data is not None:
            return ruled(tree, data, os.path.basename(name))
    return tree
