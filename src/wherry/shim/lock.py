"""The record lock that says who supervises a container: fcntl(2).

It dies with its process, however that ends, and no fork inherits it. Any close of the file by
its holder would give it up, so the holder never looks itself up (`store.containers.shim_pid_of`).
Who keeps a container from starting for a moment, perhaps in a thread among others, takes an open
file description lock instead: it excludes the others, other threads too, and goes with its file.
"""

import fcntl
import os
import struct
import time
from contextlib import suppress
from pathlib import Path

from wherry.linux.files import remove_tree
from wherry.linux.openat import opened
from wherry.shim.errors import AlreadyStarted
from wherry.store.containers import find_container
from wherry.store.store import Store
from wherry.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from wherry.shim.keeper import Keeper

LOCK = "shim.lock"
LEAVING = "."  # how the names of run folders begin that are being removed
_MOMENT = 0.005  # seconds between looks at a supervisor that starts or ends


def take_shim_lock(store: Store, container_id: str, *, of_file: bool = False) -> int:
    """A descriptor whose lock makes this process the container's supervisor.

    With `of_file` it keeps others from being that as long as the descriptor is open.

    Waits for one that is about to go; AlreadyStarted when one is there to stay. The container's
    run folder is made if it is missing.
    """
    while True:
        descriptor = try_shim_lock(store, container_id, of_file=of_file)
        if descriptor is not None:
            return descriptor
        _wait_a_moment(store, container_id)


def take_new_shim_lock(store: Store, container_id: str) -> int:
    """As `take_shim_lock`, for a container that has no row, whose ID only this process knows.

    Who has the lock for a moment has seen the folder before it was locked, and takes it for one
    that a kill has left.
    """
    while True:
        descriptor = try_shim_lock(store, container_id)
        if descriptor is not None:
            return descriptor
        time.sleep(_MOMENT)


def give_shim_lock(store: Store, container_id: str, keeper: "Keeper") -> None:
    """As `take_shim_lock`, but for our keeper, which is then the container's supervisor."""
    path = store.container_run_folder(container_id) / LOCK
    while True:
        with opened(_open(path)) as descriptor:
            if not keeper.try_lock(descriptor):
                _wait_a_moment(store, container_id)
            elif _is_at(descriptor, path):
                return


def _wait_a_moment(store: Store, container_id: str) -> None:
    container = find_container(store, container_id)
    if container.status.has_shim:
        raise AlreadyStarted(container)
    # Waiting in the kernel would be for its whole life if it turns out to be starting.
    time.sleep(_MOMENT)


def _open(path: Path) -> int:
    """The lock's file, made if need be, and its folder too."""
    while True:
        # `exist_ok` would look again, and fail if the folder went with a supervisor meanwhile.
        with suppress(FileExistsError):
            path.parent.mkdir(mode=0o711, parents=True)
        with suppress(FileNotFoundError):  # the folder has just gone with a supervisor before us
            return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)


def try_shim_lock(store: Store, container_id: str, *, of_file: bool = False) -> int | None:
    """The lock's descriptor, or None when another process has the lock."""
    path = store.container_run_folder(container_id) / LOCK
    while True:
        descriptor = _open(path)
        if not (_try_file_lock(descriptor) if of_file else _try_lock(descriptor)):
            os.close(descriptor)
            return None
        # It removed the file with its folder: a lock on that one would exclude nobody.
        if _is_at(descriptor, path):
            return descriptor
        os.close(descriptor)


def remove_run_folder(store: Store, container_id: str) -> None:
    """Remove the container's run folder; the caller holds the lock in it.

    In one step: whoever wants the lock next must not find the old folder, make a lock in it, and
    lose that to us. What a kill leaves of it `reconcile` removes.
    """
    folder = store.container_run_folder(container_id)
    doomed = folder.with_name(f"{LEAVING}{container_id}-{os.urandom(4).hex()}")
    try:
        os.rename(folder, doomed)
    except FileNotFoundError:
        return
    store.trace("run folder renamed")
    remove_tree(doomed)


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return False
    return True


def _try_file_lock(descriptor: int) -> bool:
    wanted = struct.pack("hhqqi4x", fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
    try:
        fcntl.fcntl(descriptor, fcntl.F_OFD_SETLK, wanted)
    except (BlockingIOError, PermissionError):
        return False
    return True


def _is_at(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat(follow_symlinks=False))
    except FileNotFoundError:
        return False
