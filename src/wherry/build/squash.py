"""`build --squash`: the layers that a build has added, made one.

The files are those of the layers, as hard links; what a later layer replaces or removes is left
out, and a removal is kept only if something below the new layer is removed by it.
"""

import os
import stat
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from wherry.build.cache import find_hit, remember
from wherry.build.inputs import StepInputs
from wherry.build.order import Base
from wherry.errors import InvalidArgument
from wherry.linux.files import remove_entry
from wherry.linux.openat import READABLE_DIRECTORY, opened
from wherry.oci.image_config import History, ImageConfig, RootFS, image_id
from wherry.oci.timestamps import format_timestamp
from wherry.store.build_cache import CacheRecord
from wherry.store.diff import measure_layer
from wherry.store.layers import Layer, adopt_layer, diff_folder, get_layer, new_diff_folder
from wherry.store.leases import Lease
from wherry.store.overlay import OPAQUE, is_whiteout, opaque_xattr
from wherry.store.snapshots import open_view
from wherry.values import dataclass, replace

_FLAGS = READABLE_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_DEEPEST = 400  # levels of directories, each of which is open meanwhile
_WHITEOUT = 0, 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Squashed:
    """The new layer, and the record of the cache that keeps it."""

    layer: Layer
    record: CacheRecord


def squash_layers(
    lease: Lease, below: Layer | None, layers: Sequence[Layer], *, now_ns: int
) -> Squashed:
    """One layer on top of `below` that shows what `layers`, the lowest first, show there."""
    facts = {
        "instruction": "SQUASH",
        "parent": str(below.chain_id) if below else "scratch",
        "layers": [str(layer.diff_id) for layer in layers],
    }
    inputs = StepInputs(facts)
    record = find_hit(lease, inputs)
    if record is not None:
        return Squashed(layer=get_layer(lease.store, record.chain_id), record=record)
    folder = lease.new_path("-squashed")
    diff = new_diff_folder(folder)
    _merge(lease, below, layers, diff)
    layer = adopt_layer(lease, folder, measure_layer(diff), below)
    record = remember(
        lease,
        inputs,
        layer,
        description=f"squash of {len(layers)} layers",
        kind="regular",
        duration_ns=0,
        created_ns=now_ns,
    )
    return Squashed(layer=layer, record=record)


def squashed_config(config: ImageConfig, base: Base, squashed: Squashed) -> ImageConfig:
    """The configuration with the new layer: its history says what went into it, as Docker's."""
    count = len(base.config.history)
    merged = tuple(replace(entry, empty_layer=True) for entry in config.history[count:])
    created = config.created or format_timestamp(squashed.record.created_ns)
    whole = image_id(config.to_bytes())
    comment = f"merge {whole} to {base.id}" if base.id else f"create new from {whole}"
    last = History(created=created, comment=comment)
    diff_ids = (*base.config.rootfs.diff_ids, squashed.layer.diff_id)
    return replace(
        config,
        created=created,
        history=(*config.history[:count], *merged, last),
        rootfs=RootFS(type="layers", diff_ids=diff_ids),
    )


def _merge(lease: Lease, below: Layer | None, layers: Sequence[Layer], diff: Path) -> None:
    store = lease.store
    with ExitStack() as stack:
        target = stack.enter_context(opened(os.open(diff, _FLAGS)))
        base = None
        if below is not None:
            base = stack.enter_context(opened(open_view(store, below.chain_id)))
        for layer in layers:
            with opened(os.open(diff_folder(store, layer), _FLAGS)) as source:
                _lay_over(source, target, base, 0)
                _copy_look(source, target)


def _lay_over(source: int, target: int, base: int | None, depth: int) -> None:
    """Put the layer directory `source` over `target`; `base` is what both lie on, if anything."""
    if depth > _DEEPEST:
        raise InvalidArgument("directories are nested too deep to be squashed")
    with os.scandir(source) as entries:
        listed = list(entries)
    for entry in listed:
        name = entry.name
        status = entry.stat(follow_symlinks=False)
        if stat.S_ISDIR(status.st_mode):
            with opened(os.open(name, _FLAGS, dir_fd=source)) as inner:
                _lay_directory(inner, name, target, base, depth)
            continue
        remove_entry(target, os.fsencode(name))
        if not is_whiteout(status):
            os.link(name, name, src_dir_fd=source, dst_dir_fd=target, follow_symlinks=False)
        elif _status(base, name) is not None:
            os.mknod(name, stat.S_IFCHR, os.makedev(*_WHITEOUT), dir_fd=target)


def _lay_directory(source: int, name: str, target: int, base: int | None, depth: int) -> None:
    there = _status(target, name)
    hides = _is_opaque(source)
    if there is not None and (hides or not stat.S_ISDIR(there.st_mode)):
        # What a removal in an earlier layer hid stays hidden.
        hides = True
        remove_entry(target, os.fsencode(name))
        there = None
    if there is None:
        os.mkdir(name, 0o700, dir_fd=target)
    below = _status(base, name)
    has_below = below is not None and stat.S_ISDIR(below.st_mode)
    with ExitStack() as stack:
        inner = stack.enter_context(opened(os.open(name, _FLAGS, dir_fd=target)))
        if hides and has_below:
            os.setxattr(inner, opaque_xattr(), OPAQUE)
        inner_base = None
        if has_below and not _is_opaque(inner):
            inner_base = stack.enter_context(opened(os.open(name, _FLAGS, dir_fd=base)))
        _lay_over(source, inner, inner_base, depth + 1)
        _copy_look(source, inner)


def _copy_look(source: int, target: int) -> None:
    """Owner, mode, attributes and times; what says `opaque` is set where it is meant."""
    status = os.fstat(source)
    os.fchown(target, status.st_uid, status.st_gid)
    os.fchmod(target, stat.S_IMODE(status.st_mode))
    for key in os.listxattr(source):
        if not key.startswith(("trusted.overlay.", "user.overlay.")):
            os.setxattr(target, key, os.getxattr(source, key))
    os.utime(target, ns=(status.st_mtime_ns, status.st_mtime_ns))


def _is_opaque(directory: int) -> bool:
    name = opaque_xattr()
    return name in os.listxattr(directory) and os.getxattr(directory, name) == OPAQUE


def _status(directory: int | None, name: str) -> os.stat_result | None:
    if directory is None:
        return None
    try:
        return os.stat(name, dir_fd=directory, follow_symlinks=False)
    except FileNotFoundError:
        return None
