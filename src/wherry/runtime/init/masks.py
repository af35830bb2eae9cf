"""Hiding paths of a container and making them read-only."""

import os

from wherry.linux.mount_tree import Attribute, attach, new_filesystem, open_tree, set_attributes
from wherry.linux.openat import opened
from wherry.runtime.init.devices import open_null
from wherry.runtime.init.targets import is_directory, open_target

# What a kernel that lacks the thing to be hidden answers; then nothing needs hiding.
_ABSENT = (FileNotFoundError, NotADirectoryError)


def mask_paths(root: int, paths: tuple[str, ...]) -> None:
    """Cover each of `paths` that exists: files by the null device, directories by an empty one."""
    directories: list[int] = []
    files: list[int] = []
    for path in paths:
        try:
            target = open_target(root, path)
        except _ABSENT:
            continue
        (directories if is_directory(target) else files).append(target)
    if files:
        with opened(open_null(root)) as null:
            for target in files:
                _cover(null, target)
    if directories:
        with opened(_empty_directory()) as empty:
            for target in directories:
                _cover(empty, target)
    for target in (*files, *directories):
        os.close(target)


def _cover(tree: int, target: int) -> None:
    with opened(open_tree("", directory=tree)) as copy:
        attach(copy, target)


def _empty_directory() -> int:
    # One for all of them: it is read-only, so they cannot tell.
    tree = new_filesystem("tmpfs", (("ro", None), ("size", "0"), ("nr_inodes", "1")))
    set_attributes(tree, add=Attribute.RDONLY)
    return tree


def make_read_only(root: int, paths: tuple[str, ...]) -> None:
    """Let nothing below `paths` be written to, whatever is mounted there."""
    for path in paths:
        try:
            target = open_target(root, path)
        except _ABSENT:
            continue
        with opened(target), opened(open_tree("", directory=target, recursive=True)) as tree:
            # With its other attributes as they are: proc stays nosuid, nodev, noexec.
            set_attributes(tree, add=Attribute.RDONLY, recursive=True)
            attach(tree, target)
