"""The mounts of a container in the order in which they are performed.

First what every container has (/proc, /dev, /sys, ...), unless the user mounts something else
there; then, from the outermost inwards, those of the user, the three files of the network and
the program of --init.
"""

from collections.abc import Iterable, Sequence
from posixpath import normpath

from wherry.oci.container_config import ContainerConfig, MountRequest, MountType
from wherry.oci.runtime_spec import Mount
from wherry.store.containers import MountPoint

_TMPFS_DEFAULTS = ("noexec", "nosuid", "nodev")
_OPPOSITES = {
    "exec": "noexec", "suid": "nosuid", "dev": "nodev", "rw": "ro", "async": "sync",
    "atime": "noatime", "diratime": "nodiratime",
}  # fmt: skip


def default_mounts(config: ContainerConfig, shm_source: str = "") -> list[Mount]:
    """What every container has. `shm_source` is where a /dev/shm that is shared lies."""
    access = () if config.privileged else ("ro",)
    hardened = ("nosuid", "noexec", "nodev")
    mounts = [
        Mount(destination="/proc", type="proc", source="proc", options=hardened),
        Mount(
            destination="/dev",
            type="tmpfs",
            source="tmpfs",
            options=("nosuid", "strictatime", "mode=755", "size=65536k"),
        ),
        Mount(
            destination="/dev/pts",
            type="devpts",
            source="devpts",
            options=(
                *("nosuid", "noexec", "newinstance"),
                *("ptmxmode=0666", "mode=0620", "gid=5"),
            ),
        ),
        Mount(destination="/sys", type="sysfs", source="sysfs", options=(*hardened, *access)),
        Mount(
            destination="/sys/fs/cgroup",
            type="cgroup",
            source="cgroup",
            options=(*access, *hardened),
        ),
        _mqueue(config, hardened),
    ]
    if shm := _shm(config, shm_source, hardened):
        mounts.append(shm)
    return mounts


def _mqueue(config: ContainerConfig, hardened: tuple[str, ...]) -> Mount:
    if config.ipc_mode == "host":
        return _plain_bind("/dev/mqueue", "/dev/mqueue")
    return Mount(destination="/dev/mqueue", type="mqueue", source="mqueue", options=hardened)


def _shm(config: ContainerConfig, source: str, hardened: tuple[str, ...]) -> Mount | None:
    if config.ipc_mode == "none":
        return None
    if config.ipc_mode == "host":
        source = "/dev/shm"
    if source:
        return _plain_bind(source, "/dev/shm")
    return Mount(
        destination="/dev/shm",
        type="tmpfs",
        source="shm",
        options=(*hardened, "mode=1777", f"size={config.shm_size}"),
    )


def _plain_bind(source: str, destination: str) -> Mount:
    return Mount(destination=destination, type="bind", source=source, options=("rbind", "rprivate"))


def all_mounts(defaults: Iterable[Mount], own: Sequence[Mount]) -> tuple[Mount, ...]:
    """`defaults` without those that one of `own` replaces, then these, outermost first."""
    replaced = {normpath(mount.destination) for mount in own}
    kept = [
        mount
        for mount in defaults
        if mount.destination not in replaced
        and not (mount.destination.startswith("/dev/") and "/dev" in replaced)
    ]
    return (*kept, *sorted(own, key=lambda mount: normpath(mount.destination).count("/")))


def bind_of(
    point: MountPoint, request: MountRequest | None, source: str, *, file_only: bool = False
) -> Mount:
    """The mount of a bind or a volume, `source` being where it is on the host now."""
    recursive = request.recursive if request is not None else ""
    options = ["bind" if recursive == "disabled" or file_only else "rbind"]
    if not point.writable:
        options.append("ro")
        # From Docker 25 on, read-only means what is mounted below it too.
        if recursive not in ("disabled", "writable"):
            options.append("rro")
    if point.propagation:
        options.append(point.propagation)
    elif point.type == "bind":
        options.append("rprivate")
    return Mount(
        destination=normpath(point.destination),
        type="bind",
        source=source,
        options=tuple(options),
    )


def tmpfs_mounts(config: ContainerConfig) -> list[Mount]:
    """Those of --tmpfs and of --mount type=tmpfs."""
    return [
        Mount(
            destination=normpath(request.target),
            type="tmpfs",
            source="tmpfs",
            options=merged_tmpfs_options(_tmpfs_words(request)),
        )
        for request in config.mounts
        if request.type is MountType.TMPFS
    ]


def _tmpfs_words(request: MountRequest) -> list[str]:
    words = [word for word in request.tmpfs_options.split(",") if word]
    if request.read_only:
        words.append("ro")
    if request.tmpfs_size:
        words.append(f"size={request.tmpfs_size}")
    if request.tmpfs_mode:
        words.append(f"mode={request.tmpfs_mode:o}")
    return words


def merged_tmpfs_options(words: Iterable[str]) -> tuple[str, ...]:
    """The defaults and `words`, where a later word takes the place of its opposite."""
    merged: dict[str, str] = {}
    for word in (*_TMPFS_DEFAULTS, "rprivate", *words):
        key = word.partition("=")[0]
        merged.pop(_OPPOSITES.get(key, ""), None)
        for positive, negative in _OPPOSITES.items():
            if key == negative:
                merged.pop(positive, None)
        if key != "defaults":
            merged[key] = word
    return tuple(merged.values())
