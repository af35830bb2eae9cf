"""The root filesystem of a container that does not run, opened for a moment.

The overlay is a detached mount: it has a descriptor and no place in any namespace, so nobody else
sees it, and it is gone with the descriptor, however this process ends. Kernels before 6.8 take
no long list of layers that way; there a child mounts it in a namespace of its own and hands the
descriptor over.
"""

import errno
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from wherry.errors import Internal
from wherry.linux.mount import MountFlag, mount, set_propagation
from wherry.linux.mount_tree import new_filesystem
from wherry.linux.namespaces import CloneFlag, unshare
from wherry.linux.openat import opened
from wherry.oci.digest import ChainID
from wherry.oci.mount import Mount
from wherry.store.snapshots import container_mount, lower_folders
from wherry.store.store import Store
from wherry.values import replace


@contextmanager
def stopped_root(
    store: Store, container_id: str, top: ChainID | None, *, writable: bool = False
) -> Iterator[int]:
    """A descriptor of the container's root directory, whose image's topmost layer is `top`.

    Read-only unless `writable`, which only the holder of the container's lock may ask for. A
    read-only one may also be opened while the container runs.
    """
    if writable:
        wanted = container_mount(store, container_id, top)
    else:
        wanted = _read_only(store, container_id, top)
    with opened(detached_overlay(wanted, store.root / "tmp")) as root:
        yield root


def _read_only(store: Store, container_id: str, top: ChainID | None) -> Mount:
    # As one more lower directory the upper one is not claimed, so it may be in use meanwhile.
    upper = store.container_folder(container_id) / "upper"
    folders = [upper, *lower_folders(store, top)]
    options = [
        "lowerdir=" + ":".join(map(str, folders)) if option.startswith("lowerdir=") else option
        for option in container_mount(store, container_id, top).options
        if not option.startswith(("upperdir=", "workdir="))
    ]
    return Mount(type="overlay", source="overlay", options=("ro", *options))


def detached_overlay(wanted: Mount, place: Path) -> int:
    """A descriptor of the mounted overlay; `place` is any directory of ours."""
    try:
        return new_filesystem("overlay", tuple(_configured(wanted)))
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOSYS):
            raise Internal(f"failed to mount the root filesystem: {error}") from error
    return _mounted_by_child(wanted, place)


def _configured(wanted: Mount) -> Iterator[tuple[str, str | None]]:
    for option in wanted.options:
        key, equals, value = option.partition("=")
        if key == "lowerdir":
            yield from (("lowerdir+", folder) for folder in value.split(":"))
        else:
            yield key, value if equals else None


def _mounted_by_child(wanted: Mount, place: Path) -> int:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
    with ours, theirs:
        child = os.fork()
        if child == 0:
            try:
                theirs.sendall(_mount_and_send(wanted, place, theirs))
            finally:
                os._exit(0)
        theirs.close()
        text, descriptors, _, _ = socket.recv_fds(ours, 4096, 1)
        os.waitpid(child, 0)
    if not descriptors:
        raise Internal(f"failed to mount the root filesystem: {text.decode(errors='replace')}")
    os.set_inheritable(descriptors[0], False)
    return descriptors[0]


def _mount_and_send(wanted: Mount, place: Path, theirs: socket.socket) -> bytes:
    try:
        unshare(CloneFlag.NEWNS)
        set_propagation("/", MountFlag.REC | MountFlag.PRIVATE)
        plain = replace(wanted, options=tuple(o for o in wanted.options if o != "ro"))
        flags = MountFlag.RDONLY if "ro" in wanted.options else 0
        mount("overlay", "overlay", place, flags, ",".join(plain.options))
        root = os.open(place, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        socket.send_fds(theirs, [b"."], [root])
    except OSError as error:
        return str(error).encode()
    return b""
