"""What builds have fetched, kept for the next ones that ask for the same.

    build/sources/<name>/id      what it is, as `builder du` has it
                         facts   JSON: how it came, and the folder beside it that has the files
                         <word>/ the files

A folder is read under a shared lock and removed under an exclusive one. New files get a folder of
their own; those that they replace go when the source is next asked for and nobody reads them.
"""

import fcntl
import json
import os
from collections.abc import Mapping
from contextlib import ExitStack
from hashlib import sha256
from pathlib import Path

from wherry.linux.files import remove_tree, sync_filesystem, write_atomically
from wherry.linux.locks import SHARED, try_lock
from wherry.store.leases import Lease
from wherry.values import dataclass

SOURCES = "sources"
_FILES = "files"


@dataclass(frozen=True, slots=True)
class KeptSource:
    """One source, held against removal. `descriptor` has the lock."""

    folder: Path
    descriptor: int

    def facts(self) -> Mapping[str, str]:
        """What `put` was told; nothing if the source is not here."""
        try:
            document = json.loads((self.folder / "facts").read_bytes())
        except (FileNotFoundError, ValueError):
            return {}
        if not isinstance(document, dict) or not (self.folder / str(document[_FILES])).is_dir():
            return {}
        return {str(name): str(value) for name, value in document.items()}

    @property
    def files(self) -> Path:
        """The folder with the files that are here."""
        return self.folder / self.facts()[_FILES]

    def put(self, staged: Path, word: str, facts: Mapping[str, str]) -> Path:
        """Keep the files of the folder `staged`; `word` is never given to other files."""
        sync_filesystem(self.descriptor)
        place = self.folder / word
        try:
            os.rename(staged, place)
        except OSError:
            if not place.is_dir():  # a simultaneous build was faster
                raise
        document = json.dumps({**facts, _FILES: word}).encode()
        write_atomically(self.folder / "facts", document, 0o600)
        return place

    def forget_others(self) -> None:
        """Remove files that newer ones have replaced."""
        current = self.facts().get(_FILES, "")
        for entry in self.folder.iterdir():
            if entry.is_dir() and entry.name != current:
                remove_tree(entry)


def held_source(lease: Lease, identity: str, description: str, undo: ExitStack) -> KeptSource:
    """The source called `identity`, held until `undo`."""
    parent = lease.store.root / "build" / SOURCES
    parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder = parent / sha256(identity.encode("utf-8", "surrogateescape")).hexdigest()[:32]
    while True:
        folder.mkdir(mode=0o700, exist_ok=True)
        try:
            descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except FileNotFoundError:
            continue  # pruned just now
        kept = KeptSource(folder, descriptor)
        if try_lock(descriptor) and _is_there(folder, descriptor):
            kept.forget_others()  # nobody reads them
        # The lock is lost for a moment as its kind changes, and then the folder may be removed.
        fcntl.flock(descriptor, SHARED)
        if _is_there(folder, descriptor):
            undo.callback(os.close, descriptor)
            break
        os.close(descriptor)
    if not (folder / "id").exists():
        write_atomically(folder / "id", description.encode("utf-8", "surrogateescape"))
    os.utime(folder)  # when it was last used
    return kept


def identity_of(files: Path) -> str:
    """What the stat index of files that are kept is called; `SourceTree.identity`."""
    return f"kept-{files.parent.name}-{files.name}"


def _is_there(folder: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(os.stat(folder), os.fstat(descriptor))
    except FileNotFoundError:
        return False
