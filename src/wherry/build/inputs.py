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

_SHORT = 16  # hex digits


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
            content = index.hash_of(root, path, status).hex()
        elif stat.S_ISLNK(mode):
            content = "-> " + _link(tree, path)
        elif stat.S_ISDIR(mode):
            content = "/"
        else:
            content = f"device {status.st_rdev}"
        line = f"{mode:o} {owner} {content}"
        digest.update(f"{target}\0{line}\0".encode("utf-8", "surrogateescape"))
        files[path] = f"{mode:o} {owner} {content if content[0] in '-/d' else content[:_SHORT]}"
    return Contents(digest.hexdigest(), files)


def _link(tree: SourceTree, path: str) -> str:
    above, _, name = path.rpartition("/")
    with opened(open_beneath(tree.root, above or ".", os.O_PATH | os.O_DIRECTORY)) as folder:
        return os.readlink(name, dir_fd=folder)


# ---- why a step is not the one that was made before


def difference(before: StepInputs, now: StepInputs) -> str:
    """The first thing that differs, worded for `build --explain`; "" if nothing does."""
    old, new = before.facts, now.facts
    if old.get("instruction") != new.get("instruction"):
        return f"instruction: {old.get('instruction')} → {new.get('instruction')}"
    if text := _of_files(before.files, now.files):
        return text
    for name in ("environment", "arguments"):
        kind = "ARG" if name == "arguments" else "ENV"
        if text := _of_mapping(kind, old.get(name), new.get(name)):
            return text
    for name in new:
        if name not in ("parent", "content") and old.get(name) != new[name]:
            return f"{name}: {_shown(_last(old.get(name)))} → {_shown(_last(new[name]))}"
    if old.get("parent") != new.get("parent"):
        return "base image changed" if now.on_base else "parent rebuilt"
    return "" if old == new else "content"


def _last(value: object) -> object:
    """Of a command in shell form the text; its shell is in front of it."""
    shell = ["/bin/sh", "-c"]
    return value[2] if isinstance(value, (list, tuple)) and list(value[:2]) == shell else value


def _of_files(old: Mapping[str, str], new: Mapping[str, str]) -> str:
    if not old:
        return ""  # not known: the step came from another machine
    changes = [
        f"{path or '.'}: {_of_file(old.get(path), new.get(path))}"
        for path in sorted(old.keys() | new.keys())
        if old.get(path) != new.get(path)
    ]
    if not changes:
        return ""
    more = f" (and {len(changes) - 1} more)" if len(changes) > 1 else ""
    return changes[0] + more


def _of_file(old: str | None, new: str | None) -> str:
    if old is None or new is None:
        return "added" if old is None else "removed"
    for name, before, now in zip(
        ("mode", "owner", "content"), old.split(" ", 2), new.split(" ", 2), strict=False
    ):
        if before != now:
            return name if name == "content" else f"{name} {before} → {now}"
    return "content"


def _of_mapping(kind: str, old: object, new: object) -> str:
    before = old if isinstance(old, dict) else {}
    now = new if isinstance(new, dict) else {}
    for name in sorted(before.keys() | now.keys()):
        if before.get(name) != now.get(name):
            return f"{kind} {name}: {_shown(before.get(name))} → {_shown(now.get(name))}"
    return ""


def _shown(value: object) -> str:
    if value is None:
        return "not set"
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    text = " ".join(text.split())
    return text if len(text) <= 60 else text[:57] + "..."
