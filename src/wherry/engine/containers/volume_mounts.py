"""Volumes that are mounts (`-o type=tmpfs`, nfs, ...): the first user makes, the last undoes them.

The mount is on the volume's folder in the host's namespace, where every container that has the
volume finds it. A lock named by the volume keeps the first and the last from crossing; who uses a
volume is read from rows and the locks of their supervisors, so that no crash makes a count wrong.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from wherry.engine.containers.volume_addresses import UnknownHost, with_addresses
from wherry.errors import Internal
from wherry.go_text import reason
from wherry.linux.locks import locked_by_name
from wherry.linux.mount import MountFlag, UnmountFlag, mount, unmount
from wherry.runtime.init.options import parse_options
from wherry.store.containers import Container, list_containers, shim_pid_of
from wherry.store.store import Store
from wherry.store.volumes import NoSuchVolume, Volume, data_folder, get_volume, mount_of


class VolumeMountFailed(Internal):
    def __init__(self, folder: str, problem: str) -> None:
        super().__init__(f"error while mounting volume '{folder}': {problem}")


def hold_volumes(store: Store, container: Container) -> None:
    """Mount what the container's volumes need; again is no error."""
    for volume in _mounted_volumes(store, container):
        with locked_by_name(_lock(store, volume.name)):
            _mount(store, volume)


def let_go_of_volumes(store: Store, container: Container) -> None:
    """Unmount what no other running container needs."""
    for volume in _mounted_volumes(store, container):
        with locked_by_name(_lock(store, volume.name)):
            if not _is_used(store, volume.name, container.id):
                _unmount(data_folder(store, volume.name))


@contextmanager
def held_volume(store: Store, volume: Volume) -> Iterator[None]:
    """For a moment; the caller has the volume's lock."""
    folder = data_folder(store, volume.name)
    if mount_of(store, volume) is None or os.path.ismount(folder):
        yield
        return
    _mount(store, volume)
    try:
        yield
    finally:
        _unmount(folder)


def _mounted_volumes(store: Store, container: Container) -> Iterator[Volume]:
    for point in container.details.mounts:
        if point.type == "volume":
            with suppress(NoSuchVolume):
                volume = get_volume(store, point.name)
                if mount_of(store, volume) is not None:
                    yield volume


def _lock(store: Store, name: str) -> Path:
    return store.run / f"volume-{name}.lock"


def _mount(store: Store, volume: Volume) -> None:
    wanted = mount_of(store, volume)
    if wanted is None or os.path.ismount(wanted.target):
        return
    options = parse_options(wanted.options)
    flags = options.flags
    if options.bind:
        flags |= MountFlag.BIND | (MountFlag.REC if options.recursive else 0)
    try:
        source, data = with_addresses(wanted.type, wanted.source, options.data)
    except UnknownHost as error:
        problem = f"error resolving passed in network volume address: {error}"
        raise VolumeMountFailed(wanted.target, problem) from error
    try:
        mount(wanted.type, source, wanted.target, flags, data)
    except OSError as error:
        text = _words(f"mount {source}:{wanted.target}", flags, data, error)
        raise VolumeMountFailed(wanted.target, f"failed to mount local volume: {text}") from error


def _words(what: str, flags: int, data: str, error: OSError) -> str:
    shown = ", ".join(
        "password=********" if part.startswith("password=") else part for part in data.split(",")
    ).replace(", ", ",")
    parts = [what, f"flags: {flags:#x}" if flags else "", f"data: {shown}" if data else ""]
    return f"{', '.join(filter(None, parts))}: {reason(error)}"


def _unmount(folder: Path) -> None:
    # Lazily: a process elsewhere may have a file of it open; it goes when that is closed.
    with suppress(OSError):
        unmount(folder, UnmountFlag.DETACH)


def _is_used(store: Store, name: str, but_for: str) -> bool:
    return any(
        container.id != but_for
        and container.status.has_shim
        and any(point.name == name for point in container.details.mounts)
        and shim_pid_of(store, container.id)
        for container in list_containers(store)
    )
