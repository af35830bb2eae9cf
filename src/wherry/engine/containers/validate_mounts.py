"""Checks of mounts, in Docker's words; that a volume exists or can be made is seen later."""

import os
from collections.abc import Iterable
from posixpath import isabs, normpath

from wherry.engine.containers.options.volumes import PROPAGATIONS, InvalidVolumeSpecification
from wherry.errors import InvalidArgument
from wherry.go_text import quoted
from wherry.oci.container_config import ContainerConfig, MountRequest, MountType

_TMPFS_FLAGS = frozenset((
    "ro", "rw", "suid", "nosuid", "dev", "nodev", "exec", "noexec", "sync", "async", "dirsync",
    "remount", "mand", "nomand", "atime", "noatime", "diratime", "nodiratime", "bind", "rbind",
    "unbindable", "runbindable", "private", "rprivate", "shared", "rshared", "slave", "rslave",
    "relatime", "norelatime", "strictatime", "nostrictatime", "defaults",
))  # fmt: skip
_TMPFS_KEYS = frozenset(("mode", "uid", "gid", "nr_inodes", "nr_blocks", "mpol", "size"))


class InvalidMountConfig(InvalidArgument):
    def __init__(self, kind: MountType, problem: str) -> None:
        super().__init__(f'invalid mount config for type "{kind.value}": {problem}')


class DuplicateMountPoint(InvalidArgument):
    def __init__(self, target: str) -> None:
        super().__init__(f"Duplicate mount point: {target}")


class MissingBindSource(InvalidMountConfig):
    def __init__(self, source: str) -> None:
        super().__init__(MountType.BIND, f"bind source path does not exist: {source}")


def check_mounts(config: ContainerConfig) -> None:
    seen: set[str] = set()
    for mount in config.mounts:
        try:
            check_mount(mount)
        except InvalidMountConfig as error:
            if mount.from_mount_flag or mount.type is MountType.TMPFS:
                raise
            raise InvalidVolumeSpecification(volume_text(mount), error.message) from None
        target = normpath(mount.target)
        if target in seen:
            raise DuplicateMountPoint(target)
        seen.add(target)
    for volume in config.image_volumes:
        if normpath("/" + volume.lstrip("/")) == "/":
            raise InvalidArgument("invalid volume specification: '/'")


def volume_text(mount: MountRequest) -> str:
    """The mount as -v writes it."""
    parts = [mount.source, mount.target, mount.mode]
    return ":".join(part for part in parts if part)


def check_mount(mount: MountRequest) -> None:
    if mount.type is MountType.TMPFS and not mount.from_mount_flag:
        _check_tmpfs_flag(mount)
        return
    if not mount.target:
        raise InvalidMountConfig(mount.type, "field Target must not be empty")
    if normpath(mount.target) in ("/", "//"):
        raise InvalidMountConfig(mount.type, "invalid specification: destination can't be '/'")
    if not isabs(mount.target):
        raise InvalidMountConfig(
            mount.type, f"invalid mount path: '{mount.target}' mount path must be absolute"
        )
    if mount.type is MountType.BIND:
        _check_bind(mount)
    elif mount.type is MountType.VOLUME:
        _check_volume(mount)
    elif mount.type is MountType.IMAGE:
        if not mount.source:
            raise InvalidMountConfig(mount.type, "field Source must not be empty")
        _check_subpath(mount)
    elif mount.source:
        raise InvalidMountConfig(mount.type, "field Source must not be specified")


def _check_bind(mount: MountRequest) -> None:
    if not mount.source:
        raise InvalidMountConfig(mount.type, "field Source must not be empty")
    if mount.propagation and mount.propagation not in PROPAGATIONS:
        raise InvalidMountConfig(mount.type, f"invalid propagation mode: {mount.propagation}")
    if not isabs(mount.source):
        raise InvalidMountConfig(
            mount.type, f"invalid mount path: '{mount.source}' mount path must be absolute"
        )
    if not mount.create_source and not os.path.lexists(mount.source):
        raise MissingBindSource(mount.source)


def _check_volume(mount: MountRequest) -> None:
    if mount.map_owner:
        raise InvalidMountConfig(mount.type, "only a bind mount can map its owner")
    if mount.propagation:
        raise InvalidMountConfig(mount.type, "field BindOptions must not be specified")
    if mount.subpath and not mount.source:
        raise InvalidMountConfig(mount.type, "must not set Subpath when using anonymous volumes")
    _check_subpath(mount)
    if mount.read_only and not mount.source:
        raise InvalidMountConfig(
            mount.type, "must not set ReadOnly mode when using anonymous volumes"
        )


def _check_subpath(mount: MountRequest) -> None:
    path = normpath(mount.subpath) if mount.subpath else ""
    if isabs(path) or path == ".." or path.startswith("../"):
        raise InvalidMountConfig(mount.type, "subpath must be a relative path within the volume")


def _check_tmpfs_flag(mount: MountRequest) -> None:
    if not isabs(mount.target):
        raise InvalidArgument(f"invalid mount path: '{mount.target}' mount path must be absolute")
    if normpath(mount.target) == "/":
        raise InvalidArgument("invalid specification: destination can't be '/'")
    check_tmpfs_options(mount.tmpfs_options)


def check_tmpfs_options(text: str) -> None:
    for option in text.split(",") if text else ():
        key, equals, _ = option.partition("=")
        if not (option in _TMPFS_FLAGS if not equals else key in _TMPFS_KEYS):
            raise InvalidArgument(f"invalid tmpfs option [{quoted(option)}]")


def targets_of(mounts: Iterable[MountRequest]) -> set[str]:
    return {normpath(mount.target) for mount in mounts}
