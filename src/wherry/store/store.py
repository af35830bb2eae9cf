"""The folders of one installation and the database in them.

    ROOT (kept)                       RUN (gone after a reboot)
      wherry.db                         launcher.sock
      blobs/sha256/<hex>                containers/<id>/  shim.sock, shim.lock, rootfs, ...
      layers/<id>/diff, layers/l/<link>
      containers/<id>/
      volumes/<name>/_data
      downloads/<algorithm>-<hex>       blobs on their way, kept when a pull is stopped
      tmp/                              all staging

A thing exists when its row is committed; its files are complete and in place before that.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path

from wherry.linux.files import remove_tree
from wherry.linux.locks import SHARED, locked, try_lock
from wherry.linux.openat import opened
from wherry.store.database import Database
from wherry.store.places import root_path, run_path

DATABASE = "wherry.db"


def _no_trace(_point: str) -> None:
    return


_OF_TREES = ("tmp", "layers", "containers", "volumes")  # where whole trees of files are made


class Store:
    """The root and run folders, made on first use, private to their owner."""

    # Called with the name of each point after which a kill would leave another state; tests
    # of such kills hook it, see `wherry.testing.killed`.
    trace: Callable[[str], None] = staticmethod(_no_trace)

    def __init__(self, root: Path, run: Path) -> None:
        self.root = root
        self.run = run

    @cached_property
    def database(self) -> Database:
        self.make_folders()
        return Database(self.root / DATABASE)

    def make_folders(self) -> None:
        for folder in (
            self.root,
            self.root / "tmp",
            self.root / "blobs" / "sha256",
            self.root / "layers",
            self.root / "layers" / "l",
            self.root / "containers",
            self.root / "volumes",
            self.run,
            self.run / "containers",
        ):
            try:
                # Searchable, not readable: files of a volume may belong to any user. Layers are
                # for those who mount: their setuid programs and devices are nobody else's.
                folder.mkdir(mode=0o700 if folder.name == "layers" else 0o711, parents=True)
            except FileExistsError:
                continue
            if folder.name in _OF_TREES:
                from wherry.linux.inode_flags import spread_subfolders  # once for an installation

                spread_subfolders(folder)

    @contextmanager
    def staging_folder(self) -> Iterator[Path]:
        """A folder under tmp, on the same filesystem as everything else; removed at the end.

        It is locked while in use, so that `garbage` can tell what a dead process left. Between
        its making and its locking `tmp/.gate` keeps the collector out.
        """
        self.make_folders()
        folder = self.root / "tmp" / f"{os.getpid()}-{os.urandom(8).hex()}"
        with locked(self.root / "tmp" / ".gate", SHARED):
            folder.mkdir(mode=0o700)
            descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            try_lock(descriptor)
        with opened(descriptor):
            try:
                yield folder
            finally:
                remove_tree(folder)

    def container_folder(self, container_id: str) -> Path:
        return self.root / "containers" / container_id

    def container_run_folder(self, container_id: str) -> Path:
        return self.run / "containers" / container_id


def default_root() -> Path:
    """Where things are kept unless another folder is chosen."""
    return Path(root_path())


def default_run(root: Path) -> Path:
    """Where things of this boot are kept, for what is kept in `root`."""
    return Path(run_path(str(root)))
