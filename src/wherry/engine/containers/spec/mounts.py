"""The mounts of the runtime configuration: Docker's own, the user's, in Docker's order."""

import os
from collections.abc import Collection, Iterable
from posixpath import normpath

from wherry.oci.container_config import ContainerConfig, MountRequest
from wherry.oci.runtime_spec import IDMapping, Mount
from wherry.values import dataclass, replace

INIT_PATH = "/sbin/docker-init"
_SHARED = frozenset(("shared", "rshared"))
_SLAVE = frozenset(("slave", "rslave"))
# With a read-only root these stay as they are: a process needs them to run at all.
_NEVER_READ_ONLY = frozenset(("/proc", "/dev", "/dev/pts", "/dev/shm", "/dev/mqueue"))

_DEFAULT_MOUNTS = (
    Mount(destination="/proc", type="proc", source="proc", options=("nosuid", "noexec", "nodev")),
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
        options=("nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"),
    ),
    Mount(
        destination="/sys",
        type="sysfs",
        source="sysfs",
        options=("nosuid", "noexec", "nodev", "ro"),
    ),
    Mount(
        destination="/sys/fs/cgroup",
        type="cgroup",
        source="cgroup",
        options=("ro", "nosuid", "noexec", "nodev"),
    ),
    Mount(
        destination="/dev/mqueue",
        type="mqueue",
        source="mqueue",
        options=("nosuid", "noexec", "nodev"),
    ),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class UserMount:
    """One mount of the user's, its source found: what `spec_mounts` writes down."""

    destination: str
    source: str
    type: str = "bind"  # bind, tmpfs, overlay
    writable: bool = True
    propagation: str = ""
    recursive: str = ""  # enabled, disabled, writable, readonly
    options: tuple[str, ...] = ()  # of tmpfs and overlay
    uid_mappings: tuple[IDMapping, ...] = ()  # IDs on disk, and as the container sees them
    gid_mappings: tuple[IDMapping, ...] = ()


def spec_mounts(
    config: ContainerConfig,
    user_mounts: Iterable[UserMount],
    *,
    shm: UserMount | None = None,
    init: str = "",
    writable_cgroups: bool = False,
) -> tuple[Mount, ...]:
    """All mounts in order. `shm` takes the place of a /dev/shm of one's own; `init` is a path."""
    wanted = sorted(user_mounts, key=lambda mount: normpath(mount.destination).count("/"))
    if shm is not None:
        wanted.insert(0, shm)
    replaced = {normpath(mount.destination) for mount in wanted}
    mounts = [mount for mount in _own_mounts(config, shm) if not _is_replaced(mount, replaced)]
    mounts += [_user_mount(mount) for mount in wanted]
    if config.read_only:
        mounts = [_read_only_with_root(mount, replaced) for mount in mounts]
    if config.privileged or writable_cgroups:
        mounts = [_writable(mount, config.privileged) for mount in mounts]
    if init:
        mounts.append(
            Mount(destination=INIT_PATH, type="bind", source=init, options=("bind", "ro"))
        )
    return tuple(mounts)


def _own_mounts(config: ContainerConfig, shm: UserMount | None) -> list[Mount]:
    mounts = list(_DEFAULT_MOUNTS)
    if shm is None and config.ipc_mode != "none":
        mounts.append(
            Mount(
                destination="/dev/shm",
                type="tmpfs",
                source="shm",
                options=("nosuid", "noexec", "nodev", "mode=1777", f"size={config.shm_size}"),
            )
        )
    return mounts


def _is_replaced(mount: Mount, replaced: Collection[str]) -> bool:
    if "/dev" in replaced and mount.destination.startswith("/dev/"):
        return True
    return mount.destination in replaced


def _user_mount(mount: UserMount) -> Mount:
    destination = normpath(mount.destination)
    if mount.type != "bind":
        return Mount(
            destination=destination,
            type=mount.type,
            source=mount.source,
            options=mount.options,
        )
    options = ["bind" if mount.recursive == "disabled" else "rbind"]
    if not mount.writable:
        options.append("ro" if mount.recursive in ("writable", "disabled") else "rro")
    if mount.propagation:
        options.append(mount.propagation)
    return Mount(
        destination=destination,
        type="bind",
        source=mount.source,
        options=tuple(options),
        uid_mappings=mount.uid_mappings,
        gid_mappings=mount.gid_mappings,
    )


def _read_only_with_root(mount: Mount, replaced: Collection[str]) -> Mount:
    if mount.destination in _NEVER_READ_ONLY or mount.destination in replaced:
        return mount
    return mount if "ro" in mount.options else replace(mount, options=(*mount.options, "ro"))


def _writable(mount: Mount, privileged: bool) -> Mount:
    if mount.type == "cgroup" or (privileged and mount.destination == "/sys"):
        return replace(mount, options=tuple(word for word in mount.options if word != "ro"))
    return mount


def root_propagation(user_mounts: Iterable[UserMount]) -> str:
    """What the root must be so that mounts of a shared or slave bind can pass; "" is private."""
    wanted = {mount.propagation for mount in user_mounts}
    if wanted & _SHARED:
        return "shared"
    return "rslave" if wanted & _SLAVE else ""


def tmpfs_options(request: MountRequest) -> tuple[str, ...]:
    """The options of a tmpfs: Docker's, with the user's in their place."""
    words = ["noexec", "nosuid", "nodev", "rprivate"]
    if request.tmpfs_options:
        words += request.tmpfs_options.split(",")
    if request.read_only:
        words.append("ro")
    if request.tmpfs_size:
        words.append(f"size={request.tmpfs_size}")
    if request.tmpfs_mode is not None:
        words.append(f"mode={request.tmpfs_mode:o}")
    merged: dict[str, str] = {}
    for word in words:
        key = _meaning(word)
        merged.pop(key, None)
        merged[key] = word
    return tuple(word for word in merged.values() if word != "defaults")


_PROPAGATIONS = frozenset(
    ("private", "rprivate", "shared", "rshared", "slave", "rslave", "unbindable", "runbindable")
)


def _meaning(word: str) -> str:
    """What two options say different things about: `noexec` and `exec`, `size=1` and `size=2`."""
    if "=" in word:
        return word.partition("=")[0] + "="
    if word in _PROPAGATIONS:
        return "propagation"
    if word in ("ro", "rw"):
        return "ro"
    if word in ("sync", "async"):
        return "sync"
    return word.removeprefix("no")


def init_program() -> str:
    """The host's docker-init or tini, "" if it has none."""
    for folder in ("/usr/libexec/docker", "/usr/lib/docker", "/usr/bin", "/usr/local/bin", "/sbin"):
        for name in ("docker-init", "tini-static", "tini"):
            if os.access(path := f"{folder}/{name}", os.X_OK):
                return path
    return ""
