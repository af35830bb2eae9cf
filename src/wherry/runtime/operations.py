"""The runtime specification's operations on containers that outlive the command: create to delete.

https://github.com/opencontainers/runtime-spec/blob/v1.2.0/runtime.md#operations
"""

import errno
import json
import os
import signal
from collections.abc import Callable
from contextlib import nullcontext, suppress
from datetime import UTC, datetime
from pathlib import Path

from wherry.errors import Internal, InvalidArgument, NotFound, PermissionDenied
from wherry.linux.cgroup.manager import CgroupManager, open_manager
from wherry.linux.idmap import in_first_user_namespace
from wherry.linux.openat import opened
from wherry.oci.codec import from_json
from wherry.oci.runtime_spec import Linux, Process, Resources, Spec
from wherry.runtime.create import Created, create_container
from wherry.runtime.errors import ContainerNotRunning, ContainerStartFailed
from wherry.runtime.exec import exec_process
from wherry.runtime.hooks import HookFailed, run_hooks, try_hooks
from wherry.runtime.scopes import end_scope, scope_cgroup, scope_of, systemd_cgroup
from wherry.runtime.state import (
    ContainerFolder,
    ContainerState,
    cgroup_of,
    is_alive,
    signal_process,
)
from wherry.values import replace

_PATIENCE = 10.0  # seconds for killed processes to end


def load_spec(bundle: Path) -> Spec:
    """The configuration of a bundle; InvalidDocument tells every fault with its path."""
    try:
        text = (bundle / "config.json").read_bytes()
    except FileNotFoundError as error:
        raise NotFound(f"JSON specification file {bundle}/config.json not found") from error
    try:
        return from_json(Spec, json.loads(text))
    except (ValueError, RecursionError) as error:
        raise InvalidArgument(f"{bundle}/config.json: {error}") from error


def create(
    folder: ContainerFolder,
    bundle: Path,
    *,
    pivots: bool = True,
    new_keyring: bool = True,
    keeps_descriptors: int = 0,
    asks_systemd: bool = False,
    publish: Callable[[Created], None],
) -> None:
    """Make the container; `publish` is given its process before it is kept."""
    spec = load_spec(bundle)
    linux = spec.linux or Linux()
    cgroup = systemd_cgroup(spec, folder.id) if asks_systemd else _cgroup_to_make(linux, folder.id)
    folder.make()
    try:
        with scope_of(cgroup, spec, folder.id) if asks_systemd else nullcontext():
            created = create_container(
                folder.id,
                spec,
                bundle=bundle,
                cgroup=cgroup,
                seccomp_cache=folder.path.parent / ".seccomp",
                pivots=pivots,
                new_keyring=new_keyring,
                keeps_descriptors=keeps_descriptors,
                fifo=folder.fifo,
            )
    except BaseException:
        _discard(folder, cgroup, scope=False)  # one that was made has ended with the block
        raise
    try:
        folder.save(
            ContainerState(
                id=folder.id,
                pid=created.pid,
                start_time=created.start_time,
                bundle=str(bundle),
                rootfs=str(bundle / spec.root.path) if spec.root else "",
                created=datetime.now(UTC).isoformat().replace("+00:00", "Z"),
                cgroup=cgroup.path if cgroup is not None else "",
                spec=spec,
                scope=asks_systemd,
                annotations=dict(spec.annotations),
            )
        )
        publish(created)
    except BaseException:
        created.abort()
        _discard(folder, cgroup, scope=asks_systemd)
        raise


def _cgroup_to_make(linux: Linux, container_id: str) -> CgroupManager | None:
    """The container's cgroup; None for an ordinary user who may not make one and needs none."""
    is_master = os.geteuid() == 0 and in_first_user_namespace()
    default = f"/wherry-runtime/{container_id}" if is_master else f"wherry-runtime-{container_id}"
    try:
        cgroup = open_manager(linux.cgroups_path or default)
    except ValueError as error:
        raise InvalidArgument(str(error)) from error
    if is_master:
        return cgroup
    try:
        cgroup.create()
    except OSError as error:
        if error.errno not in (errno.EACCES, errno.EPERM, errno.EROFS):
            raise
        if linux.resources is not None and replace(linux.resources, devices=()) != Resources():
            raise LimitsNeedCgroup from error
        return None
    return cgroup


class LimitsNeedCgroup(PermissionDenied):
    def __init__(self) -> None:
        super().__init__(
            "limits need a cgroup, and this user may not make one",
            hint="have one delegated, as with: systemd-run --user --scope -p Delegate=yes",
        )


def _discard(folder: ContainerFolder, cgroup: CgroupManager | None, *, scope: bool) -> None:
    if cgroup is not None:
        with suppress(OSError, Internal):
            if scope:
                end_scope(cgroup)
            cgroup.delete()
    folder.remove()


def start(folder: ContainerFolder) -> None:
    """Let the created container run its program."""
    state = folder.load()
    status = folder.status(state)
    if status == "stopped":
        raise InvalidArgument("cannot start a container that has stopped")
    if status != "created":
        raise InvalidArgument("cannot start an already running container")
    try:
        with opened(os.open(folder.fifo, os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC)) as writer:
            os.write(writer, b"0")
    except OSError as error:
        if error.errno not in (errno.ENXIO, errno.EPIPE):
            raise
        # Nobody holds its other end: init has ended.
        raise ContainerStartFailed("", "container process is already dead") from error
    folder.fifo.unlink()
    hooks = state.spec.hooks
    if hooks is not None and hooks.poststart:
        try:
            run_hooks("poststart", hooks.poststart, document(folder, state))
        except HookFailed:
            kill(folder, signal.SIGKILL)
            raise


def document(folder: ContainerFolder, state: ContainerState) -> dict[str, object]:
    """The state as `state` prints it, which is also what hooks are given."""
    status = folder.status(state)
    return {
        "ociVersion": state.spec.oci_version,
        "id": state.id,
        "pid": 0 if status == "stopped" else state.pid,
        "status": status,
        "bundle": state.bundle,
        "rootfs": state.rootfs,
        "created": state.created,
        "annotations": state.annotations,
        "owner": "",
    }


def kill(folder: ContainerFolder, number: int, *, everyone: bool = False) -> None:
    """Send a signal to the first process, or to all; a container without a PID namespace to all."""
    state = folder.load()
    if everyone:
        cgroup_of(state).signal_all(number)
    elif not is_alive(state) or not signal_process(state, number):
        raise ContainerNotRunning


def delete(folder: ContainerFolder, *, force: bool = False) -> None:
    """Remove what is left of a stopped container; with `force` stop it first."""
    try:
        state = folder.load()
    except NotFound:
        # A create that was killed half-way has a folder and no state.
        if force:
            folder.remove()
            return
        raise
    if is_alive(state):
        if not force and folder.status(state) != "created":
            raise InvalidArgument(
                f"cannot delete container {state.id} that is not stopped: {folder.status(state)}"
            )
        signal_process(state, signal.SIGKILL)
    if state.cgroup:
        _empty(cgroup_of(state), scope=state.scope)
    hooks = state.spec.hooks
    if hooks is not None and hooks.poststop:
        try_hooks("poststop", hooks.poststop, document(folder, state))
    folder.remove()


def _empty(cgroup: CgroupManager, *, scope: bool) -> None:
    if cgroup.exists:
        cgroup.signal_all(signal.SIGKILL)
        if cgroup.frozen:
            cgroup.thaw()
        cgroup.wait_until_empty(_PATIENCE)
    if scope:
        end_scope(cgroup)
    cgroup.delete()


def exec_in(
    folder: ContainerFolder,
    process: Process,
    *,
    keeps_descriptors: int = 0,
    ignores_pause: bool = False,
) -> Created:
    """Run another process in the container."""
    state = folder.load()
    status = folder.status(state)
    if status == "stopped":
        raise ContainerNotRunning("cannot exec in a stopped container")
    if status == "paused" and not ignores_pause:
        raise ContainerNotRunning("cannot exec in a paused container")
    linux = state.spec.linux or Linux()
    return exec_process(
        state.pid,
        state.start_time,
        process,
        cgroup=_cgroup_to_join(state),
        seccomp=linux.seccomp,
        personality=linux.personality,
        memory_policy=linux.memory_policy,
        seccomp_cache=folder.path.parent / ".seccomp",
        keeps_descriptors=keeps_descriptors,
        state=_state_of_specification(folder, state),
    )


def _cgroup_to_join(state: ContainerState) -> CgroupManager | None:
    if state.scope:
        return scope_cgroup(state.cgroup)
    return cgroup_of(state) if state.cgroup else None


_SPECIFIED = ("ociVersion", "id", "status", "pid", "bundle", "annotations")


def _state_of_specification(folder: ContainerFolder, state: ContainerState) -> dict[str, object]:
    found = document(folder, state)
    return {key: found[key] for key in _SPECIFIED}
