"""What is in a container's /dev besides mounts: nodes, links, the console."""

import errno
import os
import stat
from collections.abc import Iterable, Sequence

from wherry.linux.mount_tree import attach, open_tree
from wherry.linux.openat import open_in_root, opened
from wherry.oci.runtime_spec import Device, Mount
from wherry.runtime.init.targets import make_directory, make_file

# Every container has these, whatever its configuration lists:
# https://github.com/opencontainers/runtime-spec/blob/v1.2.0/config-linux.md#default-devices
DEFAULT_DEVICES = tuple(
    Device(type="c", path=f"/dev/{name}", major=major, minor=minor, file_mode=0o666, uid=0, gid=0)
    for name, major, minor in (
        ("null", 1, 3),
        ("zero", 1, 5),
        ("full", 1, 7),
        ("random", 1, 8),
        ("urandom", 1, 9),
        ("tty", 5, 0),
    )
)
_LINKS = (
    ("fd", "/proc/self/fd"),
    ("stdin", "/proc/self/fd/0"),
    ("stdout", "/proc/self/fd/1"),
    ("stderr", "/proc/self/fd/2"),
)
DEVICE_TYPES = {"c": stat.S_IFCHR, "u": stat.S_IFCHR, "b": stat.S_IFBLK, "p": stat.S_IFIFO}
NULL_DEVICE = os.makedev(1, 3)


def all_devices(listed: Iterable[Device]) -> tuple[Device, ...]:
    """The default devices and those `listed`, which replace a default of the same path."""
    by_path = {device.path: device for device in DEFAULT_DEVICES}
    by_path.update((os.path.normpath(device.path), device) for device in listed)
    return tuple(by_path.values())


def has_own_dev(mounts: Sequence[Mount]) -> bool:
    """Whether /dev is ours to fill: it is not when a directory of the host is bound there."""
    for mount in mounts:
        if os.path.normpath(mount.destination) == "/dev":
            return mount.type != "bind" and not {"bind", "rbind"} & {*mount.options}
    return True


def make_devices(root: int, devices: Iterable[Device], *, bind: bool) -> None:
    """Make the nodes; with `bind` (in a user namespace) show the host's nodes instead."""
    with opened(make_directory(root, "/dev")) as dev:
        for device in devices:
            parent, name = os.path.split(os.path.normpath(device.path))
            if bind:
                _bind_device(root, device.path)
            elif parent == "/dev":
                _make_node(dev, name, device)
            else:
                with opened(make_directory(root, parent)) as directory:
                    _make_node(directory, name, device)


def _make_node(directory: int, name: str, device: Device) -> None:
    mode = 0o666 if device.file_mode is None else device.file_mode & 0o7777
    number = os.makedev(device.major, device.minor)
    try:
        os.mknod(name, DEVICE_TYPES[device.type] | mode, number, dir_fd=directory)
    except FileExistsError:
        return  # made by the image or by a mount
    except OSError as error:
        raise OSError(error.errno, error.strerror, device.path) from None
    if device.uid or device.gid:
        os.chown(name, device.uid or 0, device.gid or 0, dir_fd=directory, follow_symlinks=False)


def _bind_device(root: int, path: str) -> None:
    with opened(open_tree(path)) as tree, opened(make_file(root, path)) as target:
        attach(tree, target)


def make_links(root: int) -> None:
    """The links of /dev that every program expects."""
    with opened(make_directory(root, "/dev")) as dev:
        links: tuple[tuple[str, str], ...] = _LINKS
        if os.path.exists("/proc/kcore"):
            links = (*links, ("core", "/proc/kcore"))
        for name, target in links:
            try:
                os.symlink(target, name, dir_fd=dev)
            except FileExistsError:
                continue
        _replace_link(dev, "ptmx", "pts/ptmx")


def _replace_link(directory: int, name: str, target: str) -> None:
    try:
        os.symlink(target, name, dir_fd=directory)
    except FileExistsError:
        os.unlink(name, dir_fd=directory)
        os.symlink(target, name, dir_fd=directory)


def open_null(root: int) -> int:
    """A descriptor (O_PATH) of the container's /dev/null, which is verified to be that device.

    What is mounted over a masked path must not be a link or a file put there by the image
    (CVE-2025-31133).
    """
    null = open_in_root(root, "/dev/null", os.O_PATH | os.O_NOFOLLOW)
    status = os.fstat(null)
    if not stat.S_ISCHR(status.st_mode) or status.st_rdev != NULL_DEVICE:
        os.close(null)
        raise OSError(errno.ENODEV, "is not the null device", "/dev/null")
    return null
