"""Performing the mounts of a configuration inside a container's root.

bind        a copy of the host's tree, its attributes set while it is still detached
cgroup      v1: a tmpfs with the container's own cgroup of each controller; v2: its subtree
others      mount(2) on the descriptor of the target
"""

import errno
import os
from collections.abc import Mapping
from pathlib import Path

from wherry.linux.idmap import in_first_user_namespace, user_namespace_with
from wherry.linux.mount import PROC_SUPER_MAGIC, MountFlag, filesystem_type, mount, set_propagation
from wherry.linux.mount_tree import Attribute, attach, open_tree, set_attributes
from wherry.linux.openat import opened
from wherry.oci.runtime_spec import Linux, Mount
from wherry.runtime.id_maps import ranges_of
from wherry.runtime.init.copyup import copy_tree
from wherry.runtime.init.options import MountOptions, parse_options
from wherry.runtime.init.targets import (
    is_directory,
    make_directory,
    make_file,
    open_plain_target,
    open_target,
)
from wherry.values import dataclass, field, replace

# Files of /proc that programs such as lxcfs may replace; anything else mounted there could
# make a later write of a label or setting go elsewhere (CVE-2019-16884, CVE-2025-52881).
_REPLACEABLE_IN_PROC = frozenset(
    (
        *("/proc/cpuinfo", "/proc/diskstats", "/proc/meminfo", "/proc/stat", "/proc/swaps"),
        *("/proc/uptime", "/proc/loadavg", "/proc/slabinfo", "/proc/net/dev"),
        *("/proc/sys/kernel/ns_last_pid", "/proc/sys/crypto/fips_enabled"),
    )
)
_LONGEST_DATA = 4095  # mount(2) takes one page


@dataclass(frozen=True, kw_only=True, slots=True)
class CgroupView:
    """Where the container's cgroup is on the host: by controller, or by "" on v2."""

    version: int
    path: str  # below each hierarchy's mount
    directories: Mapping[str, Path] = field(default_factory=dict)
    namespaced: bool = False  # the container has a cgroup namespace of its own


def is_bind(mount: Mount) -> bool:
    return mount.type == "bind" or parse_options(mount.options).bind


def open_source(entry: Mount, bundle: Path, linux: Linux | None) -> int:
    """A detached copy of the tree that `entry`, a bind, wants to see, its IDs translated."""
    options = parse_options(entry.options)
    tree = open_tree(bundle / entry.source, recursive=options.recursive)
    try:
        if options.idmap or entry.uid_mappings:
            _translate_ids(tree, entry, options, linux or Linux())
    except OSError:
        os.close(tree)
        raise
    return tree


@dataclass(frozen=True, kw_only=True, slots=True)
class Surroundings:
    """What else a mount may depend on."""

    bundle: Path
    linux: Linux
    cgroup: CgroupView | None


def perform_mount(
    root: int, entry: Mount, *, surroundings: Surroundings, source: int | None = None
) -> None:
    """Mount `entry` inside `root`. `source` is the opened tree of a bind, if there is one."""
    options = parse_options(entry.options)
    if options.remount:
        with opened(open_target(root, entry.destination)) as target:
            change_attributes(target, options)
    elif is_bind(entry):
        tree = source
        if tree is None:
            tree = open_source(entry, surroundings.bundle, surroundings.linux)
        with opened(tree):
            _bind(root, entry, options, tree)
    elif entry.type == "cgroup" or entry.type == "cgroup2":
        _mount_cgroup(root, entry, options, surroundings.cgroup)
    elif entry.type in ("proc", "sysfs"):
        os.close(make_directory(root, entry.destination))
        with opened(open_plain_target(root, entry.destination)) as target:
            try:
                _mount_new(root, entry, options, target)
            except PermissionError:
                if entry.type != "sysfs" or in_first_user_namespace():
                    raise
                # That of a network of another user namespace; its own is what there is to see.
                _bind_host_sysfs(target, options)
    else:
        was_there = _is_there(root, entry.destination)
        with opened(make_directory(root, entry.destination)) as target:
            _check_outside_proc(target, entry.destination)
            if entry.type == "tmpfs" and was_there:
                options = _with_mode_of(target, options)
            _mount_new(root, entry, options, target)


def _is_there(root: int, path: str) -> bool:
    try:
        os.close(open_target(root, path))
    except FileNotFoundError:
        return False
    return True


def _with_mode_of(target: int, options: MountOptions) -> MountOptions:
    """A tmpfs takes over the mode of the directory it hides, as with runc."""
    if "mode=" in options.data:
        return options
    mode = f"mode={os.fstat(target).st_mode & 0o7777:o}"
    return replace(options, data=f"{mode},{options.data}" if options.data else mode)


def _bind(root: int, entry: Mount, options: MountOptions, tree: int) -> None:
    change_attributes(tree, options)
    make = make_directory if is_directory(tree) else make_file
    if os.path.normpath(entry.destination) == "/proc" and not _is_proc(tree):
        raise OSError(errno.EPERM, "cannot be mounted because it is not of type proc", "/proc")
    with opened(make(root, entry.destination)) as target:
        if os.path.normpath(entry.destination) != "/proc":
            _check_outside_proc(target, entry.destination)
        if is_directory(target) and make is make_file:  # the kernel only calls it invalid
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), entry.destination)
        attach(tree, target)


def change_attributes(tree: int, options: MountOptions) -> None:
    """Apply what `options` say to a detached tree."""
    if options.add or options.clear:
        set_attributes(tree, add=options.add, clear=options.clear)
    if options.recursive_add or options.recursive_clear:
        set_attributes(
            tree, add=options.recursive_add, clear=options.recursive_clear, recursive=True
        )
    for flags in options.propagation:
        set_attributes(
            tree, propagation=flags & ~MountFlag.REC, recursive=bool(flags & MountFlag.REC)
        )


def _translate_ids(tree: int, entry: Mount, options: MountOptions, linux: Linux) -> None:
    """By the mappings of the mount, or else those of the container."""
    uids, gids = entry.uid_mappings, entry.gid_mappings
    if not uids:
        uids, gids = linux.uid_mappings, linux.gid_mappings
    namespace = user_namespace_with(ranges_of(uids), ranges_of(gids))
    with opened(namespace):
        set_attributes(
            tree,
            add=Attribute.IDMAP,
            user_namespace=namespace,
            recursive=options.idmap_recursive,
        )


def _mount_new(root: int, entry: Mount, options: MountOptions, target: int) -> None:
    data = options.data
    flags = options.flags
    late_read_only = is_read_only_dev(entry) or options.copy_up
    if late_read_only:
        flags &= ~MountFlag.RDONLY
    if len(os.fsencode(data)) > _LONGEST_DATA:
        raise OSError(errno.E2BIG, "mount options are longer than a page", entry.destination)
    mount(entry.type, entry.source or entry.type, descriptor_path(target), flags, data)
    if options.copy_up:
        with opened(open_target(root, entry.destination)) as upper:
            copy_tree(target, upper)
            if options.flags & MountFlag.RDONLY:
                set_attributes(upper, add=Attribute.RDONLY)
    if options.recursive_add or options.recursive_clear or options.propagation:
        with opened(open_target(root, entry.destination)) as mounted:
            _adjust_mounted(mounted, options)


def _adjust_mounted(mounted: int, options: MountOptions) -> None:
    if options.recursive_add or options.recursive_clear:
        set_attributes(mounted, add=options.recursive_add, clear=options.recursive_clear)
    for flags in options.propagation:
        set_propagation(descriptor_path(mounted), flags)


def _bind_host_sysfs(target: int, options: MountOptions) -> None:
    with opened(open_tree("/sys", recursive=True)) as tree:
        set_attributes(tree, add=options.add, clear=options.clear, recursive=True)
        attach(tree, target)


def is_read_only_dev(entry: Mount) -> bool:
    """Whether this is a /dev that can be made read-only only after it has been filled."""
    return (
        os.path.normpath(entry.destination) == "/dev"
        and not is_bind(entry)
        and bool(parse_options(entry.options).flags & MountFlag.RDONLY)
    )


def _mount_cgroup(
    root: int, entry: Mount, options: MountOptions, cgroup: CgroupView | None
) -> None:
    if cgroup is None:
        raise OSError(errno.EINVAL, "a cgroup mount needs a cgroup", entry.destination)
    with opened(make_directory(root, entry.destination)) as target:
        _check_outside_proc(target, entry.destination)
        if cgroup.version == 2:
            _mount_cgroup2(target, options, cgroup)
            return
        flags = options.flags & ~MountFlag.RDONLY
        mount("tmpfs", "tmpfs", descriptor_path(target), flags, "mode=755")
    with opened(open_target(root, entry.destination)) as top:
        _fill_cgroup1(top, options, cgroup)
        if options.flags & MountFlag.RDONLY:
            set_attributes(top, add=Attribute.RDONLY)


def _mount_cgroup2(target: int, options: MountOptions, cgroup: CgroupView) -> None:
    if cgroup.namespaced:
        try:
            mount("cgroup2", "cgroup", descriptor_path(target), options.flags, options.data)
        except OSError as error:
            # In a user namespace: one is there already, as with a bind of the host's /sys.
            if error.errno not in (errno.EBUSY, errno.EPERM):
                raise
        else:
            return
    with opened(open_tree(cgroup.directories[""])) as tree:
        change_attributes(tree, options)
        attach(tree, target)


def _fill_cgroup1(top: int, options: MountOptions, cgroup: CgroupView) -> None:
    """One directory per mount of the host, named as there, and a link per controller in it."""
    made: set[str] = set()
    for key, directory in cgroup.directories.items():
        if not key:
            continue  # a hybrid machine's v2 tree, which programs in a v1 container do not expect
        name = os.path.basename(str(directory).removesuffix(cgroup.path.rstrip("/")))
        if name not in made:
            made.add(name)
            os.mkdir(name, 0o755, dir_fd=top)
            with opened(os.open(name, os.O_PATH | os.O_CLOEXEC, dir_fd=top)) as target:
                _mount_controller(target, key, name, options, cgroup)
        if key in name.split(",") and key != name:
            os.symlink(name, key, dir_fd=top)


def _mount_controller(
    target: int, key: str, name: str, options: MountOptions, cgroup: CgroupView
) -> None:
    if cgroup.namespaced:
        data = f"none,{key}" if key.startswith("name=") else name
        mount("cgroup", "cgroup", descriptor_path(target), options.flags, data)
        return
    with opened(open_tree(cgroup.directories[key])) as tree:
        change_attributes(tree, options)
        attach(tree, target)


def _check_outside_proc(target: int, destination: str) -> None:
    if _is_proc(target) and os.path.normpath(destination) not in _REPLACEABLE_IN_PROC:
        raise OSError(errno.EPERM, "cannot be mounted because it is inside /proc", destination)


def _is_proc(descriptor: int) -> bool:
    return filesystem_type(descriptor) == PROC_SUPER_MAGIC


def descriptor_path(descriptor: int) -> str:
    """A name of the open file for calls that only take names; the host's /proc is still there."""
    return f"/proc/self/fd/{descriptor}"
