"""The user's mounts at one start: sources found, missing folders made, images opened."""

import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from posixpath import normpath

from wherry.engine.containers.owner_map import owner_map
from wherry.engine.containers.propagation import check_propagation
from wherry.engine.containers.spec.mounts import UserMount, tmpfs_options
from wherry.engine.containers.validate_mounts import MissingBindSource
from wherry.engine.images.resolve import PullPolicy, resolve_image
from wherry.errors import Internal, InvalidArgument
from wherry.go_text import reason
from wherry.linux.files import remove_tree
from wherry.linux.mount import MountFlag, UnmountFlag, mount, unmount
from wherry.linux.mount_tree import attach, open_tree
from wherry.linux.openat import directory_descriptor, open_in_root, opened
from wherry.oci.container_config import MountRequest, MountType
from wherry.oci.mount import Mount
from wherry.oci.runtime_spec import IDMapping, User
from wherry.store.containers import Container, MountPoint
from wherry.store.snapshots import view_mount
from wherry.store.store import Store
from wherry.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from wherry.engine.engine import Engine


class CannotMakeSource(Internal):
    def __init__(self, path: str, error: OSError) -> None:
        super().__init__(
            f"error while creating mount source path '{path}':"
            f" mkdir {error.filename or path}: {reason(error)}"
        )


def user_mounts(engine: "Engine", container: Container, user: User) -> tuple[UserMount, ...]:
    """What --mount, -v, --tmpfs, --volumes-from and VOLUME put into the container of `user`."""
    requests = {normpath(request.target): request for request in container.config.mounts}
    mounts = [
        _of_point(engine, container, point, requests.get(point.destination), user)
        for point in container.details.mounts
    ]
    return (*mounts, *_tmpfs_flags(container))


def _tmpfs_flags(container: Container) -> Iterator[UserMount]:
    for request in container.config.mounts:
        if request.type is MountType.TMPFS and not request.from_mount_flag:
            yield _tmpfs(request, normpath(request.target))


def _tmpfs(request: MountRequest, destination: str) -> UserMount:
    return UserMount(
        destination=destination, source="tmpfs", type="tmpfs", options=tmpfs_options(request)
    )


def _of_point(
    engine: "Engine",
    container: Container,
    point: MountPoint,
    request: MountRequest | None,
    user: User,
) -> UserMount:
    if point.type == "tmpfs":
        request = request or MountRequest(type=MountType.TMPFS, target=point.destination)
        return _tmpfs(request, point.destination)
    if point.type == "image":
        return _image(engine, container, point, request)
    source = point.source
    if point.type == "bind":
        _check_source(source, make=request is not None and request.create_source)
        check_propagation(source, point.propagation)
    elif request is not None and request.subpath:
        source = _part_of_folder(engine.store, container.id, source, request.subpath)
    uids, gids = _owner_maps(source, user) if request and request.map_owner else ((), ())
    return UserMount(
        destination=point.destination,
        source=source,
        uid_mappings=uids,
        gid_mappings=gids,
        writable=point.writable,
        propagation=point.propagation,
        recursive=request.recursive if request is not None else "",
    )


def _check_source(path: str, *, make: bool) -> None:
    if os.path.exists(path):
        return
    if not make:
        raise MissingBindSource(path)
    try:
        os.makedirs(path, 0o755, exist_ok=True)
    except OSError as error:
        raise CannotMakeSource(path, error) from error


def _owner_maps(path: str, user: User) -> tuple[tuple[IDMapping, ...], tuple[IDMapping, ...]]:
    """How a bind shows its files, so that its owner is the container's user there."""
    status = os.stat(path)
    return owner_map(status.st_uid, user.uid), owner_map(status.st_gid, user.gid)


def _image(
    engine: "Engine",
    container: Container,
    point: MountPoint,
    request: MountRequest | None,
) -> UserMount:
    """An image's files, read-only: what is written would be nobody's."""
    image = resolve_image(engine, point.source, pull=PullPolicy.NEVER)
    view = view_mount(engine.store, image.chain_ids[-1] if image.chain_ids else None)
    if request is not None and request.subpath:
        source = _part_of_image(engine.store, container.id, view, request.subpath)
        return UserMount(destination=point.destination, source=source, writable=False)
    return UserMount(
        destination=point.destination,
        source=view.source,
        type=view.type,
        options=view.options,
        writable=False,
    )


def _part_of_image(store: Store, container_id: str, view: Mount, subpath: str) -> str:
    """Mount the image for as long as it takes to find its part."""
    if view.type == "bind":  # an image without layers
        return _part_of_folder(store, container_id, view.source, subpath)
    place = _new_place(store, container_id)
    place.mkdir()
    options = [word for word in view.options if word != "ro"]
    mount(view.type, view.source, place, MountFlag.RDONLY, ",".join(options))
    try:
        return _part_of_folder(store, container_id, os.fspath(place), subpath)
    finally:
        unmount(place, UnmountFlag.DETACH)


def _part_of_folder(store: Store, container_id: str, folder: str, subpath: str) -> str:
    """Mount the folder or file `subpath` of `folder` among the files of this run.

    That mount is what init binds: no link that a container swaps meanwhile leads elsewhere.
    """
    with directory_descriptor(folder) as root:
        try:
            part = open_in_root(root, subpath, os.O_PATH)
        except OSError as error:
            raise InvalidArgument(
                f"cannot access path {os.path.join(folder, subpath)}: {reason(error)}"
            ) from error
    place = _new_place(store, container_id)
    with opened(part), opened(open_tree("", directory=part, recursive=True)) as tree:
        if stat.S_ISDIR(os.fstat(part).st_mode):
            place.mkdir()
        else:
            place.touch()
        with opened(os.open(place, os.O_PATH | os.O_CLOEXEC)) as target:
            attach(tree, target)
    return os.fspath(place)


def _new_place(store: Store, container_id: str) -> Path:
    folder = store.container_run_folder(container_id) / "parts"
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder / str(len(os.listdir(folder)))


def release_host_mounts(store: Store, container_id: str) -> None:
    """Unmount what a start has mounted on the host: a shareable /dev/shm, parts of volumes."""
    folder = store.container_run_folder(container_id)
    with suppress(FileNotFoundError):
        for part in os.listdir(folder / "parts"):
            _release(folder / "parts" / part)
        remove_tree(folder / "parts")
    _release(folder / "shm")


def _release(place: Path) -> None:
    with suppress(OSError):  # not mounted
        unmount(place, UnmountFlag.DETACH)
