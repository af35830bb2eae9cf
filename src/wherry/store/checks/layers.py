"""Layers: the folders and links that their rows promise, and what was unpacked into them.

The lengths of all files tell what was cut, emptied or removed, in the time of a directory walk.
Only the tar made again, hashed, tells a changed byte.
"""

import os
from collections.abc import Iterator

from wherry.oci.digest import ChainID
from wherry.store.checks.finding import Finding, Kind, State
from wherry.store.layer_tar import DamagedLayer, tar_of_layer
from wherry.store.layers import Layer, diff_folder, find_layer, layer_folder, list_layers
from wherry.store.store import Store
from wherry.store.tar_record import DamagedRecord, check_record, has_record


def check_layers(store: Store, *, rehash: bool) -> Iterator[Finding]:
    """The layers that are not whole, without those that are removed while this looks."""
    for layer in list(list_layers(store)):
        found = _problem_of(store, layer, rehash=rehash)
        if found is not None and _is_still_here(store, layer):
            yield found


def _is_still_here(store: Store, layer: Layer) -> bool:
    there = find_layer(store.database.connection, layer.chain_id)
    return there is not None and there.id == layer.id


def _problem_of(store: Store, layer: Layer, *, rehash: bool) -> Finding | None:
    if ChainID.above(layer.parent, layer.diff_id) != layer.chain_id:
        return _finding(State.DAMAGED, layer, "its row is of another layer")
    if not diff_folder(store, layer).is_dir():
        return _finding(State.MISSING, layer, f"its folder, layers/{layer.id}/diff, is not there")
    problem = _content_problem(store, layer, rehash=rehash)
    if problem:
        return _finding(State.DAMAGED, layer, problem)
    link = store.root / "layers" / "l" / str(layer.id)
    try:
        target = os.readlink(link)
    except OSError:
        target = ""
    if target != f"../{layer.id}/diff":
        name = f"layers/l/{layer.id}"
        problem = f"does not lead to layer {layer.chain_id.short}"
        return Finding(state=State.DAMAGED, kind=Kind.LINK, name=name, problem=problem)
    return None


def _content_problem(store: Store, layer: Layer, *, rehash: bool) -> str:
    folder = layer_folder(store, layer)
    try:
        size = content_size(os.fspath(folder))
        if size != layer.size:
            return f"its files have {size} bytes, {layer.size} were unpacked"
        if rehash:
            for _ in tar_of_layer(store, layer):
                continue
        elif has_record(folder):
            check_record(folder)
    except DamagedLayer:
        return "its files are not those that were unpacked"
    except DamagedRecord as error:
        return error.problem
    except OSError as error:
        return f"cannot be read: {(error.strerror or str(error)).lower()}"
    return ""


def content_size(folder: str) -> int:
    """The lengths of the files and links of a layer, and of those replaced; each inode once."""
    seen: set[int] = set()
    total = 0
    waiting = [f"{folder}/diff", f"{folder}/replaced"]
    while waiting:
        try:
            entries = os.scandir(waiting.pop())
        except FileNotFoundError:
            continue
        with entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(entry.path)
                    continue
                status = entry.stat(follow_symlinks=False)
                if status.st_nlink > 1:
                    if status.st_ino in seen:
                        continue
                    seen.add(status.st_ino)
                total += status.st_size
    return total


def _finding(state: State, layer: Layer, problem: str) -> Finding:
    return Finding(state=state, kind=Kind.LAYER, name=str(layer.chain_id), problem=problem)
