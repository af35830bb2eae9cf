"""Why a step is not the one that was made before: the first thing that differs, worded for people.

src/app.py: content             src/run: mode 644 → 755         docs: file → directory
ARG VERSION: 1 → 2              ENV MODE: fast → not set        command: make → make -j
mount /root/.cache: added       base image changed              parent rebuilt
"""

import json
import stat
from collections.abc import Iterator, Mapping
from itertools import islice

from wherry.build.inputs import SHORT, StepInputs

PARENT_REBUILT = "parent rebuilt"
BASE_CHANGED = "base image changed"
_MOST_CHANGED = 200
_WIDTH = 60
_APART = ("parent", "content", "environment", "arguments", "mounts")
_KINDS = {
    stat.S_IFREG: "file",
    stat.S_IFDIR: "directory",
    stat.S_IFLNK: "link",
    stat.S_IFBLK: "device",
    stat.S_IFCHR: "device",
    stat.S_IFIFO: "pipe",
}
_MOUNTS = ("bind", "cache", "tmpfs", "secret", "ssh")


def difference(before: StepInputs, now: StepInputs) -> str:
    """The first thing that differs; "" if nothing does."""
    return next(_differences(before, now), "")


def changed_files(before: StepInputs, now: StepInputs) -> tuple[str, ...]:
    """The paths that are new, gone or different, at most so many."""
    paths = sorted(before.files.keys() | now.files.keys())
    changed = (path for path in paths if before.files.get(path) != now.files.get(path))
    return tuple(islice(changed, _MOST_CHANGED))


def _differences(before: StepInputs, now: StepInputs) -> Iterator[str]:
    # As documents both: what was a tuple came back as a list.
    old, new = _document(before.facts), _document(now.facts)
    if old.get("instruction") != new.get("instruction"):
        yield f"instruction: {old.get('instruction')} → {new.get('instruction')}"
    yield from _of_files(before.files, now.files)
    yield from _of_mapping("ENV", old.get("environment"), new.get("environment"))
    yield from _of_mapping("ARG", old.get("arguments"), new.get("arguments"))
    yield from _of_mounts(old.get("mounts"), new.get("mounts"))
    for name in dict.fromkeys((*new, *old)):
        if name not in _APART and old.get(name) != new.get(name):
            yield f"{name}: {_shown(_script(old.get(name)))} → {_shown(_script(new.get(name)))}"
    if old.get("parent") != new.get("parent"):
        yield BASE_CHANGED if now.on_base else PARENT_REBUILT
    if old != new:
        yield "content"


def _document(facts: Mapping[str, object]) -> dict[str, object]:
    document = json.loads(json.dumps(facts))
    assert isinstance(document, dict)
    return document


def _script(value: object) -> object:
    """Of a command in shell form the text; its shell is in front of it."""
    if isinstance(value, list) and value[:2] == ["/bin/sh", "-c"]:
        return " ".join(value[2:])  # which may be none
    return value


# ---- files


def _of_files(old: Mapping[str, str], new: Mapping[str, str]) -> Iterator[str]:
    changed = [path for path in sorted(old.keys() | new.keys()) if old.get(path) != new.get(path)]
    # A folder that came or went tells less than what is in it.
    first = next((path for path in changed if not _is_folder(old, new, path)), None)
    for path in changed[:1] if first is None else [first]:
        more = f" (and {len(changed) - 1} more)" if len(changed) > 1 else ""
        yield f"{path or '.'}: {_of_file(old.get(path), new.get(path))}{more}"


def _is_folder(old: Mapping[str, str], new: Mapping[str, str], path: str) -> bool:
    words = [each[path] for each in (old, new) if path in each]
    return all(word.endswith(" /") for word in words)


def _of_file(old: str | None, new: str | None) -> str:
    if old is None or new is None:
        return "added" if old is None else "removed"
    old_mode, old_owner, old_content = old.split(" ", 2)
    new_mode, new_owner, new_content = new.split(" ", 2)
    kinds = [_KINDS.get(stat.S_IFMT(int(mode, 8)), "other") for mode in (old_mode, new_mode)]
    if kinds[0] != kinds[1]:
        return f"{kinds[0]} → {kinds[1]}"
    if old_mode != new_mode:
        return f"mode {int(old_mode, 8) & 0o7777:o} → {int(new_mode, 8) & 0o7777:o}"
    if old_owner != new_owner:
        return f"owner {old_owner} → {new_owner}"
    if kinds[0] == "link":
        return f"link {old_content.removeprefix('-> ')} → {new_content.removeprefix('-> ')}"
    same = old_content[:SHORT] == new_content[:SHORT]
    return "capabilities" if kinds[0] == "file" and same else "content"


# ---- values


def _of_mapping(kind: str, old: object, new: object) -> Iterator[str]:
    before = old if isinstance(old, dict) else {}
    now = new if isinstance(new, dict) else {}
    for name in sorted(before.keys() | now.keys()):
        if before.get(name) != now.get(name):
            yield f"{kind} {name}: {_shown(before.get(name))} → {_shown(now.get(name))}"


def _of_mounts(old: object, new: object) -> Iterator[str]:
    """Mounts by their target: added, removed, or another value of one of their keys."""
    before, now = _by_target(old), _by_target(new)
    for target in dict.fromkeys((*now, *before)):
        was, is_ = before.get(target), now.get(target)
        if was is None or is_ is None:
            yield f"mount {target}: {'added' if was is None else 'removed'}"
        elif was != is_:
            keys = [key for key in dict.fromkeys((*is_, *was)) if was.get(key) != is_.get(key)]
            told = ", ".join(
                key
                if key == "content"
                else f"{key} {_shown(was.get(key))} → {_shown(is_.get(key))}"
                for key in keys
            )
            yield f"mount {target}: {told}"


def _by_target(mounts: object) -> dict[str, dict[str, object]]:
    """The documents of mounts; their kind's name has the target."""
    listed = mounts if isinstance(mounts, list) else []
    return {
        str(next((mount[kind] for kind in _MOUNTS if mount.get(kind)), "")): mount
        for mount in listed
        if isinstance(mount, dict)
    }


def _shown(value: object) -> str:
    if value is None:
        return "not set"
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    text = " ".join(text.split())
    return text if len(text) <= _WIDTH else text[: _WIDTH - 3] + "..."
