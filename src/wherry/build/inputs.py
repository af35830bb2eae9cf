"""What a step depends on, as a document whose hash is its cache key; and why two keys differ.

`facts` are hashed as they are. `files` tells of each copied path its kind, mode, owner and hash,
shortened: all of them together are one fact, and here they only serve to say which one changed.
"""

import json
import os
import stat
from collections.abc import Iterable, Mapping
from hashlib import sha256

from wherry.build.source_trees import Found, SourceTree
from wherry.build.stat_index import StatIndex
from wherry.linux.openat import open_beneath, opened
from wherry.oci.digest import Digest
from wherry.store.build_cache import Inputs
from wherry.values import dataclass, field

SHORT, _WHOLE = 16, 64  # hex digits


@dataclass(frozen=True, slots=True)
class StepInputs:
    facts: Mapping[str, object]
    files: Mapping[str, str] = field(default_factory=dict)
    on_base: bool = False
    """Whether the parent is the image that the stage begins with; no part of the key."""

    @property
    def key(self) -> Digest:
        text = json.dumps(self.facts, separators=(",", ":"), sort_keys=True)
        return Digest.of_bytes(text.encode("utf-8", "surrogatepass"))

    def to_document(self) -> Inputs:
        return {"facts": dict(self.facts), "files": dict(self.files), "on_base": self.on_base}

    @classmethod
    def from_document(cls, document: Inputs) -> "StepInputs":
        facts, files = document.get("facts"), document.get("files")
        return cls(
            facts if isinstance(facts, dict) else {},
            files if isinstance(files, dict) else {},
            bool(document.get("on_base")),
        )


@dataclass(frozen=True, slots=True)
class Contents:
    """The hash of selected entries, and one word about each."""

    hash: str
    files: Mapping[str, str]


def contents_of(tree: SourceTree, selected: Iterable[Found], index: StatIndex) -> Contents:
    """Names, kinds, modes, owners, links and contents; no times, as in BuildKit."""
    digest = sha256()
    files: dict[str, str] = {}
    root, owned = tree.root, tree.owned
    for target, path, status in selected:
        mode = status.st_mode
        owner = f"{status.st_uid}:{status.st_gid}" if owned else "0:0"
        if stat.S_ISREG(mode):
            content = index.hash_of(root, path, status, capable=owned).hex()
        elif stat.S_ISLNK(mode):
            content = "-> " + _link(tree, path)
        elif stat.S_ISDIR(mode):
            content = "/"
        else:
            content = f"device {status.st_rdev}"
        line = f"{mode:o} {owner} {content}"
        digest.update(f"{target}\0{line}\0".encode("utf-8", "surrogateescape"))
        short = content[:SHORT] + content[_WHOLE:] if stat.S_ISREG(mode) else content
        files[path] = f"{mode:o} {owner} {short}"
    return Contents(digest.hexdigest(), files)


def _link(tree: SourceTree, path: str) -> str:
    above, _, name = path.rpartition("/")
    with opened(open_beneath(tree.root, above or ".", os.O_PATH | os.O_DIRECTORY)) as folder:
        return os.readlink(name, dir_fd=folder)
