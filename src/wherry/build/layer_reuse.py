"""Layers for other places than they were made for, and for other times."""

import os
import stat
from pathlib import Path

from wherry.linux.openat import READABLE_DIRECTORY, opened
from wherry.oci.digest import ChainID
from wherry.store.layers import Layer, adopt_layer, claim_layer, diff_folder, new_diff_folder
from wherry.store.leases import Lease
from wherry.store.overlay import opaque_xattr
from wherry.store.unpack import Unpacked

_FLAGS = READABLE_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


def relayered(lease: Lease, layer: Layer, parent: Layer | None) -> Layer:
    """The same files on top of `parent`: as hard links, for a layer's files never change."""
    chain_id = ChainID.above(parent.chain_id if parent else None, layer.diff_id)
    if (found := claim_layer(lease, chain_id)) is not None:
        return found
    folder = lease.new_path("-linked")
    diff = new_diff_folder(folder)
    with (
        opened(os.open(diff_folder(lease.store, layer), _FLAGS)) as source,
        opened(os.open(diff, _FLAGS)) as target,
    ):
        _link_tree(source, target)
    unpacked = Unpacked(diff_id=layer.diff_id, size=layer.size, tar_size=layer.tar_size)
    return adopt_layer(lease, folder, unpacked, parent)


def _link_tree(source: int, target: int) -> None:
    with os.scandir(source) as entries:
        listed = list(entries)
    for entry in listed:
        if not entry.is_dir(follow_symlinks=False):
            os.link(
                entry.name, entry.name, src_dir_fd=source, dst_dir_fd=target, follow_symlinks=False
            )
            continue
        status = entry.stat(follow_symlinks=False)
        os.mkdir(entry.name, 0o700, dir_fd=target)
        with (
            opened(os.open(entry.name, _FLAGS, dir_fd=source)) as inner_source,
            opened(os.open(entry.name, _FLAGS, dir_fd=target)) as inner_target,
        ):
            _link_tree(inner_source, inner_target)
            os.fchown(inner_target, status.st_uid, status.st_gid)
            os.fchmod(inner_target, stat.S_IMODE(status.st_mode))
            for key in os.listxattr(inner_source):
                if key.startswith("user.") or key == opaque_xattr():
                    os.setxattr(inner_target, key, os.getxattr(inner_source, key))
            os.utime(inner_target, ns=(status.st_mtime_ns, status.st_mtime_ns))


def clamp_times(diff: Path, latest_ns: int) -> None:
    """Let nothing in the layer be later than `latest_ns`."""
    with opened(os.open(diff, _FLAGS)) as directory:
        _clamp(directory, latest_ns)
        os.utime(directory, ns=(latest_ns, latest_ns))


def _clamp(directory: int, latest_ns: int) -> None:
    with os.scandir(directory) as entries:
        listed = list(entries)
    for entry in listed:
        if entry.is_dir(follow_symlinks=False):
            with opened(os.open(entry.name, _FLAGS, dir_fd=directory)) as below:
                _clamp(below, latest_ns)
        if entry.stat(follow_symlinks=False).st_mtime_ns > latest_ns:
            times = (latest_ns, latest_ns)
            os.utime(entry.name, ns=times, dir_fd=directory, follow_symlinks=False)
