"""A container's files with its volumes and binds in place, whether it runs or not.

Of a running one they are reached through /proc/PID/root. For a stopped one the root and what
belongs on it are mounted in a namespace that no process is in: a thread makes it and ends, two
descriptors keep it, and with them it goes. Meanwhile the container's lock keeps it from being
started, since an upper directory can be mounted once only.
"""

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from wherry.engine.containers.root import running_root, top_layer
from wherry.engine.containers.volume_mounts import hold_volumes, let_go_of_volumes
from wherry.errors import Internal, WherryError
from wherry.linux.mount import MountFlag, mount, set_propagation
from wherry.linux.mount_tree import Attribute, attach, open_tree, set_attributes
from wherry.linux.namespaces import CloneFlag, unshare
from wherry.linux.openat import DIRECTORY, make_directories_in_root, open_in_root, opened
from wherry.oci.mount import Mount
from wherry.shim.errors import AlreadyStarted
from wherry.shim.lock import remove_run_folder, take_shim_lock
from wherry.store.containers import Container, MountPoint, Status, find_container
from wherry.store.roots import stopped_root
from wherry.store.snapshots import container_mount
from wherry.values import dataclass

if TYPE_CHECKING:
    from wherry.engine.engine import Engine

_SHOWN = ("bind", "volume")  # what of a container's mounts there is without its processes


@dataclass(frozen=True, slots=True)
class WholeRoot:
    """`descriptor` is the root directory; `devices` are those of the mounts that belong to it.

    What else is mounted there, /proc and the like, is no file of the container.
    """

    descriptor: int
    devices: frozenset[int]


@contextmanager
def whole_root(engine: "Engine", container: Container) -> Iterator[WholeRoot]:
    """The files of `container`, for reading and writing."""
    with ExitStack() as stack:
        descriptor = running_root(container)
        if descriptor is None:
            descriptor = stack.enter_context(_stopped(engine, container))
        else:
            stack.callback(os.close, descriptor)
        devices = frozenset(_devices(descriptor, container))
        yield WholeRoot(descriptor, devices)


def _devices(root: int, container: Container) -> Iterator[int]:
    for point in container.details.mounts:
        if point.type not in _SHOWN:
            continue
        try:
            with opened(open_in_root(root, point.destination, os.O_PATH)) as descriptor:
                yield os.fstat(descriptor).st_dev
        except OSError:  # gone from its place: then nothing of it is seen either
            continue


@contextmanager
def _stopped(engine: "Engine", container: Container) -> Iterator[int]:
    store = engine.store
    try:
        lock = take_shim_lock(store, container.id, of_file=True)
    except AlreadyStarted:
        # Since we looked; or it waits to be restarted, and its files can be looked at alone.
        descriptor = running_root(find_container(store, container.id))
        if descriptor is not None:
            with opened(descriptor):
                yield descriptor
            return
        with stopped_root(store, container.id, top_layer(container)) as root:
            yield root
        return
    try:
        hold_volumes(store, container)
        try:
            with _Namespace(engine, container) as root:
                yield root
        finally:
            let_go_of_volumes(store, container)
    finally:
        remove_run_folder(store, container.id)
        os.close(lock)


class _Namespace:
    """The mount namespace, for the block: descriptors of it and of the root in it."""

    def __init__(self, engine: "Engine", container: Container) -> None:
        self._container = container
        self._root = container_mount(engine.store, container.id, top_layer(container))
        self._place = engine.store.container_folder(container.id) / "rootfs"
        self._descriptors: list[int] = []

    def __enter__(self) -> int:
        _in_thread(self._make)
        return self._descriptors[0]

    def __exit__(self, *_error: object) -> None:
        while self._descriptors:
            os.close(self._descriptors.pop())

    def _make(self) -> None:
        try:
            unshare(CloneFlag.NEWNS)  # of this thread alone
            set_propagation("/", MountFlag.REC | MountFlag.PRIVATE)
            _mount_overlay(self._root, os.fspath(self._place))
            root = os.open(self._place, DIRECTORY | os.O_CLOEXEC)
            self._descriptors.append(root)
            if self._container.status is Status.CREATED and self._container.config.working_dir:
                # With Docker it is there before the first start, too.
                os.close(make_directories_in_root(root, self._container.config.working_dir))
            for point in sorted(self._container.details.mounts, key=_depth):
                if point.type in _SHOWN:
                    _put_in_place(root, point, self._subpath(point))
            own = os.open("/proc/thread-self/ns/mnt", os.O_RDONLY | os.O_CLOEXEC)
            self._descriptors.append(own)
        except OSError as error:
            raise Internal(f"failed to mount the root filesystem: {error}") from error

    def _subpath(self, point: MountPoint) -> str:
        for request in self._container.config.mounts:
            if os.path.normpath(request.target) == point.destination:
                return request.subpath
        return ""


def _mount_overlay(wanted: Mount, place: str) -> None:
    mount(wanted.type, wanted.source, place, 0, ",".join(wanted.options))


def _depth(point: MountPoint) -> int:
    return point.destination.rstrip("/").count("/")


def _put_in_place(root: int, point: MountPoint, subpath: str) -> None:
    """Mount a volume or bind where the container would have it; a source that is gone is not."""
    try:
        source = os.open(point.source, os.O_PATH | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    with ExitStack() as stack:
        stack.callback(os.close, source)
        if subpath:
            source = open_in_root(source, subpath, os.O_PATH)
            stack.callback(os.close, source)
        is_folder = os.path.isdir(f"/proc/self/fd/{source}")
        target = _target(root, point.destination, folder=is_folder)
        stack.callback(os.close, target)
        tree = open_tree("", directory=source, recursive=True)
        stack.callback(os.close, tree)
        if not point.writable:
            set_attributes(tree, add=Attribute.RDONLY, recursive=True)
        attach(tree, target)


def _target(root: int, path: str, *, folder: bool) -> int:
    if folder:
        return make_directories_in_root(root, path)
    above, _, name = path.rpartition("/")
    try:
        return open_in_root(root, path, os.O_PATH)
    except FileNotFoundError:
        with opened(make_directories_in_root(root, above or "/")) as parent:
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
            os.close(os.open(name, flags, 0o755, dir_fd=parent))
        return open_in_root(root, path, os.O_PATH)


def _in_thread(action: Callable[[], None]) -> None:
    """Run `action` in a thread of its own, which may leave namespaces; its error is raised here."""
    failures: list[OSError | WherryError] = []

    def run() -> None:
        try:
            action()
        except (OSError, WherryError) as error:
            failures.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    if failures:
        raise failures[0]
