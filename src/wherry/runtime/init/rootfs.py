"""Making the container's root: mounts, devices, what is hidden, and the change of root.

All of it happens in the container's own mount namespace, below `root.path`, and is addressed
from one descriptor of that directory. The user's mounts of a shared tree are opened before
anything is cut off from the host, so that they stay in its peer group.
"""

import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from wherry.linux.mount import MountFlag, UnmountFlag, mount, pivot_root, set_propagation, unmount
from wherry.linux.mount_tree import Attribute, set_attributes
from wherry.linux.openat import open_in_root, opened
from wherry.oci.mount import Mount as RootMount
from wherry.oci.runtime_spec import Linux, Spec
from wherry.runtime.init.devices import all_devices, has_own_dev, make_devices, make_links
from wherry.runtime.init.masks import make_read_only, mask_paths
from wherry.runtime.init.mounts import (
    CgroupView,
    Surroundings,
    is_bind,
    is_read_only_dev,
    open_source,
    perform_mount,
)
from wherry.runtime.init.options import parse_options, propagation_flags
from wherry.runtime.init.steps import step
from wherry.runtime.init.targets import make_directory
from wherry.values import dataclass

_LONGEST_DATA = 4095  # mount(2) takes one page


@dataclass(frozen=True, kw_only=True, slots=True)
class RootPlan:
    """What the root is made of. `sources` are binds opened beforehand, by index of the mount."""

    spec: Spec
    bundle: Path
    root_mounts: Sequence[RootMount]
    cgroup: CgroupView | None
    in_user_namespace: bool
    sources: dict[int, int]

    @property
    def path(self) -> Path:
        assert self.spec.root is not None
        return self.bundle / self.spec.root.path


def open_shared_sources(plan: RootPlan) -> None:
    """Open the binds that must stay connected with the host's mounts."""
    for index, entry in enumerate(plan.spec.mounts):
        if index not in plan.sources and is_bind(entry) and parse_options(entry.options).shared:
            with step(f"opening mount source {entry.source!r}"):
                plan.sources[index] = open_source(entry, plan.bundle, plan.spec.linux)


def open_sources(plan: RootPlan) -> None:
    """Open all binds, for a container whose user namespace may not reach them."""
    open_shared_sources(plan)
    for index, entry in enumerate(plan.spec.mounts):
        if index not in plan.sources and is_bind(entry):
            with step(f"opening mount source {entry.source!r}"):
                plan.sources[index] = open_source(entry, plan.bundle, plan.spec.linux)
                # As what is opened after the cut is.
                set_attributes(plan.sources[index], propagation=_kind_of_cut(plan), recursive=True)


def cut_off_from_host(plan: RootPlan) -> None:
    """Let no mount made here reach the host; with `private` none of the host's come here."""
    with step("error preparing rootfs"):
        set_propagation("/", _kind_of_cut(plan) | MountFlag.REC)


def _kind_of_cut(plan: RootPlan) -> int:
    private = _wanted_propagation(plan) & MountFlag.PRIVATE
    return MountFlag.PRIVATE if private else MountFlag.SLAVE


def _wanted_propagation(plan: RootPlan) -> int:
    linux = plan.spec.linux
    return propagation_flags(linux.rootfs_propagation) if linux and linux.rootfs_propagation else 0


def mount_root(plan: RootPlan) -> int:
    """Mount the root itself; the returned descriptor is where everything else is addressed from."""
    with step("error preparing rootfs"):
        if plan.root_mounts:
            for entry in plan.root_mounts:
                mount_part(plan.path, entry)
        else:
            mount("", str(plan.path), plan.path, MountFlag.BIND | MountFlag.REC)
        return os.open(plan.path, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)


def mount_part(root: Path, entry: RootMount) -> None:
    target = root / entry.target.lstrip("/") if entry.target else root
    options = parse_options(entry.options)
    if options.bind or entry.type == "bind":
        recursion = MountFlag.REC if options.recursive else 0
        mount("", entry.source, target, MountFlag.BIND | recursion)
        if options.add or options.clear:
            with opened(os.open(target, os.O_PATH | os.O_CLOEXEC)) as mounted:
                set_attributes(mounted, add=options.add, clear=options.clear)
        return
    data = options.data
    if len(os.fsencode(data)) > _LONGEST_DATA:
        data = _with_short_names(data)
    mount(entry.type, entry.source, target, options.flags, data)


def _with_short_names(data: str) -> str:
    """An overlay's options with its lower directories named from their common parent.

    Hundreds of layers do not fit in the page that mount(2) takes; relative names are looked up
    in the working directory, which is left there.
    """
    words = data.split(",")
    for index, word in enumerate(words):
        key, _, value = word.partition("=")
        if key == "lowerdir":
            lower = value.split(":")
            parent = os.path.commonpath(lower)
            os.chdir(parent)
            words[index] = "lowerdir=" + ":".join(os.path.relpath(one, parent) for one in lower)
    return ",".join(words)


def fill_root(root: int, plan: RootPlan) -> None:
    """Perform the mounts in order, then make the devices."""
    for index, entry in enumerate(plan.spec.mounts):
        with step(f'error mounting "{entry.source}" to rootfs at "{entry.destination}"'):
            perform_mount(
                root,
                entry,
                surroundings=Surroundings(
                    bundle=plan.bundle, linux=plan.spec.linux or Linux(), cgroup=plan.cgroup
                ),
                source=plan.sources.get(index),
            )
    if has_own_dev(plan.spec.mounts):
        devices = all_devices(plan.spec.linux.devices if plan.spec.linux else ())
        with step("error creating device nodes"):
            make_devices(root, devices, bind=plan.in_user_namespace)
        with step("error setting up /dev symlinks"):
            make_links(root)
    _make_working_directory(root, plan)


def _make_working_directory(root: int, plan: RootPlan) -> None:
    if plan.spec.process is not None and plan.spec.process.cwd not in ("", "/"):
        # Made if it can be; whether it is usable is told when it is entered.
        with suppress(OSError):
            os.close(make_directory(root, os.path.normpath(plan.spec.process.cwd)))


def restrict_root(root: int, plan: RootPlan) -> None:
    """Hide and protect what the configuration lists; the last thing done from outside."""
    linux = plan.spec.linux
    if linux is not None:
        with step("error setting read-only paths"):
            make_read_only(root, linux.readonly_paths)
        with step("error masking paths"):
            mask_paths(root, linux.masked_paths)
    for entry in plan.spec.mounts:
        if is_read_only_dev(entry):
            with step("error remounting /dev as readonly"), opened(_at(root, "/dev")) as dev:
                set_attributes(dev, add=Attribute.RDONLY)


def _at(root: int, path: str) -> int:
    return open_in_root(root, path, os.O_PATH)


def enter_root(root: int, plan: RootPlan, change: Callable[[int], None]) -> None:
    """Make `root` the root directory by `change`, and finish what concerns the whole of it."""
    with step("error changing root"):
        change(root)
    wanted = _wanted_propagation(plan)
    if wanted & (MountFlag.SHARED | MountFlag.UNBINDABLE):
        with step("error setting rootfs propagation"):
            set_propagation("/", wanted)
    if plan.spec.root is not None and plan.spec.root.readonly:
        with step("error remounting rootfs as readonly"), opened(_plain_root()) as top:
            set_attributes(top, add=Attribute.RDONLY)


def _plain_root() -> int:
    return os.open("/", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)


def pivot(root: int) -> None:
    """Change the root of the mount namespace and let go of the old one, pivot_root(2)."""
    with opened(_plain_root()) as old:
        os.fchdir(root)
        pivot_root(".", ".")
        os.fchdir(old)
        # What is unmounted here must stay mounted on the host.
        set_propagation(".", MountFlag.SLAVE | MountFlag.REC)
        unmount(".", UnmountFlag.DETACH)
    os.chdir("/")


def move_and_chroot(root: int) -> None:
    """Change root where pivot_root is impossible, such as on a ramdisk (--no-pivot)."""
    os.fchdir(root)
    mount("", ".", "/", MountFlag.MOVE)
    os.chroot(".")
    os.chdir("/")


def change_root_only(root: int) -> None:
    """Change root in a container without a mount namespace of its own."""
    os.fchdir(root)
    os.chroot(".")
    os.chdir("/")
