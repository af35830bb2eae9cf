"""What the mounts of a container come out as: volumes made or found, binds, in Docker's order.

--volumes-from    the mounts of another container, as they are there
-v, --mount       as asked for
VOLUME, -v /path  an anonymous volume wherever nothing else is mounted
"""

import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from posixpath import normpath

from wherry.engine.containers.options.modes import container_of
from wherry.engine.containers.options.volumes import parse_volumes_from
from wherry.engine.containers.volume_mounts import held_volume
from wherry.engine.volumes.create import create_volume
from wherry.errors import InvalidArgument
from wherry.linux.files import remove_entry
from wherry.linux.locks import locked_by_name
from wherry.linux.openat import directory_descriptor, open_in_root, opened
from wherry.oci.container_config import ContainerConfig, MountRequest, MountType
from wherry.oci.digest import ChainID
from wherry.store.containers import MountPoint, find_container
from wherry.store.snapshots import open_view
from wherry.store.volumes import Volume, data_folder, remove_volume, users_of_volumes
from wherry.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from wherry.engine.engine import Engine

DEFAULT_PROPAGATION = "rprivate"


class FileInTheWay(InvalidArgument):
    def __init__(self, path: str) -> None:
        super().__init__(f"cannot mount volume over existing file, file exists {path}")


def make_mount_points(
    engine: "Engine", config: ContainerConfig, top: ChainID | None, undo: ExitStack
) -> tuple[MountPoint, ...]:
    """The container's mounts; `undo` gets the removal of anonymous volumes made for it."""
    points = {point.destination: point for point in _of_others(engine, config.volumes_from)}
    for request in config.mounts:
        if request.type is MountType.TMPFS and not request.from_mount_flag:
            continue  # Docker lists --tmpfs apart
        point = _point_of(engine, request, top, undo)
        points[point.destination] = point
    taken = {normpath(request.target) for request in config.mounts}
    for path in config.image_volumes:
        destination = normpath("/" + path.lstrip("/"))
        if destination not in points and destination not in taken:
            request = MountRequest(
                type=MountType.VOLUME, target=destination, volume_driver=config.volume_driver
            )
            points[destination] = _point_of(engine, request, top, undo)
    return tuple(points.values())


def _of_others(engine: "Engine", texts: Iterable[str]) -> Iterator[MountPoint]:
    for text in texts:
        name, mode = parse_volumes_from(text)
        other = find_container(engine.store, container_of(name) or name)
        read_only = "ro" in mode.split(",")
        for point in other.details.mounts:
            yield MountPoint(
                type=point.type,
                destination=point.destination,
                source=point.source,
                name=point.name,
                driver=point.driver,
                mode="",  # as Docker shows it, whatever it was asked for with
                writable=point.writable and not read_only,
                propagation=point.propagation,
                # Removed with whichever of the two containers is the last to go.
                anonymous=point.anonymous,
            )


def _point_of(
    engine: "Engine", request: MountRequest, top: ChainID | None, undo: ExitStack
) -> MountPoint:
    destination = normpath(request.target)
    if request.type is MountType.VOLUME:
        return _volume_point(engine, request, destination, top, undo)
    is_bind = request.type is MountType.BIND
    return MountPoint(
        type=request.type.value,
        destination=destination,
        source=request.source,
        mode=request.mode,
        writable=not request.read_only and request.type is not MountType.IMAGE,
        propagation=(request.propagation or DEFAULT_PROPAGATION) if is_bind else "",
    )


def _volume_point(
    engine: "Engine",
    request: MountRequest,
    destination: str,
    top: ChainID | None,
    undo: ExitStack,
) -> MountPoint:
    volume = create_volume(
        engine,
        request.source,
        driver=request.volume_driver or "local",
        options=request.volume_options,
        labels=request.volume_labels,
    )
    is_anonymous = not request.source
    if is_anonymous:
        undo.callback(remove_volume, engine.store, volume.name)
    if not request.no_copy and not request.subpath:
        fill_volume(engine, volume, destination, top)
    return MountPoint(
        type="volume",
        destination=destination,
        source=os.fspath(data_folder(engine.store, volume.name)),
        name=volume.name,
        driver=volume.driver,
        # Docker shows the label by which a volume would be shared, if it was asked for.
        mode=request.mode or ("z" if request.source or request.from_mount_flag else ""),
        writable=not request.read_only,
        propagation=request.propagation,
        anonymous=is_anonymous,
    )


def fill_volume(engine: "Engine", volume: Volume, destination: str, top: ChainID | None) -> None:
    """Copy what the image has at `destination` into a volume that has nothing yet."""
    with (
        # The files that are mounted in /etc are among them, so that it may be read-only.
        opened(open_view(engine.store, top, init=True)) as root,
        locked_by_name(engine.store.run / f"volume-{volume.name}.lock"),
    ):
        kind = _kind_at(root, destination)
        if kind is None:
            return
        if not stat.S_ISDIR(kind):
            raise FileInTheWay(destination)
        with held_volume(engine.store, volume):
            _fill(engine, volume, root, destination)


def _fill(engine: "Engine", volume: Volume, root: int, destination: str) -> None:
    """Copy all or nothing. A mark beside the content tells of a copy that was killed."""
    folder = data_folder(engine.store, volume.name)
    mark = folder.with_name(".filling")
    if mark.exists() and volume.name not in users_of_volumes(engine.store):
        _empty(folder)
    if os.listdir(folder):
        return
    from wherry.store.copying import copy_up  # archives, for volumes that an image fills

    mark.touch()
    engine.store.trace("volume to be filled")
    try:
        copy_up(root, destination, folder)
        engine.store.trace("volume filled")
    except BaseException:
        _empty(folder)
        raise
    finally:
        mark.unlink()


def _empty(folder: Path) -> None:
    with directory_descriptor(folder) as descriptor:
        for name in os.listdir(descriptor):
            remove_entry(descriptor, os.fsencode(name))


def _kind_at(root: int, path: str) -> int | None:
    try:
        with opened(open_in_root(root, path, os.O_PATH)) as descriptor:
            return os.fstat(descriptor).st_mode
    except (FileNotFoundError, NotADirectoryError):
        return None
