"""The user's mounts at one start: sources found, missing folders made, images opened."""

import os
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from posixpath import normpath
from typing import TYPE_CHECKING

from wherry.engine.containers.owner_map import owner_map
from wherry.engine.containers.propagation import check_propagation
from wherry.engine.containers.spec.mounts import UserMount, tmpfs_options
from wherry.engine.containers.validate_mounts import MissingBindSource
from wherry.engine.images.resolve import PullPolicy, resolve_image
from wherry.errors import Internal, InvalidArgument
from wherry.linux.mount import UnmountFlag, unmount
from wherry.linux.openat import open_in_root
from wherry.oci.container_config import MountRequest, MountType
from wherry.oci.runtime_spec import IDMapping, User
from wherry.store.containers import Container, MountPoint
from wherry.store.snapshots import view_mount
from wherry.store.store import Store

if TYPE_CHECKING:
    from wherry.engine.engine import Engine


class CannotMakeSource(Internal):
    def __init__(self, path: str, error: OSError) -> None:
        text = os.strerror(error.errno or 0)
        super().__init__(
            f"error while creating mount source path '{path}':"
            f" mkdir {error.filename or path}: {text[:1].lower() + text[1:]}"
        )


def user_mounts(
    engine: "Engine", container: Container, user: User, undo: ExitStack
) -> tuple[UserMount, ...]:
    """What --mount, -v, --tmpfs, --volumes-from and VOLUME put into the container of `user`."""
    requests = {normpath(request.target): request for request in container.config.mounts}
    mounts = [
        _of_point(engine, point, requests.get(point.destination), user, undo)
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
    point: MountPoint,
    request: MountRequest | None,
    user: User,
    undo: ExitStack,
) -> UserMount:
    if point.type == "tmpfs":
        request = request or MountRequest(type=MountType.TMPFS, target=point.destination)
        return _tmpfs(request, point.destination)
    if point.type == "image":
        return _image(engine, point, request)
    source = point.source
    if point.type == "bind":
        _check_source(source, make=request is not None and request.create_source)
        check_propagation(source, point.propagation)
    elif request is not None and request.subpath:
        source = _opened_below(source, request.subpath, undo)
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


def _image(engine: "Engine", point: MountPoint, request: MountRequest | None) -> UserMount:
    """An image's files, read-only: what is written would be nobody's."""
    image = resolve_image(engine, point.source, pull=PullPolicy.NEVER)
    view = view_mount(engine.store, image.chain_ids[-1] if image.chain_ids else None)
    if request is not None and request.subpath:
        raise InvalidArgument("image-subpath is not supported")
    return UserMount(
        destination=point.destination,
        source=view.source,
        type=view.type,
        options=view.options,
        writable=False,
    )


def _opened_below(folder: str, subpath: str, undo: ExitStack) -> str:
    """A name of the folder or file below `folder` that no swapped link can lead elsewhere."""
    root = os.open(folder, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        descriptor = open_in_root(root, subpath, os.O_PATH)
    except OSError as error:
        text = os.strerror(error.errno or 0)
        raise InvalidArgument(
            f"cannot access path {os.path.join(folder, subpath)}: {text[:1].lower() + text[1:]}"
        ) from error
    finally:
        os.close(root)
    undo.callback(os.close, descriptor)
    # By this process's number: init, a fork, finds it there whatever it has closed itself.
    return f"/proc/{os.getpid()}/fd/{descriptor}"


def release_host_mounts(store: Store, container_id: str) -> None:
    """Unmount what a start has mounted on the host: a shareable /dev/shm."""
    with suppress(OSError):
        unmount(store.container_run_folder(container_id) / "shm", UnmountFlag.DETACH)
