"""Scopes of systemd: control groups that it makes, knows of, and leaves to whoever asked for them.

The program speaks D-Bus with systemd itself, on the socket that it keeps for root, and that a
user's own instance keeps for that user: no bus between, no library. The calls are described in
org.freedesktop.systemd1(5).

    -> StartTransientUnit(name, "fail", properties, [])
    <- the job's path
    <- JobRemoved(number, path, unit, "done")
"""

import os
import signal
from collections.abc import Mapping
from contextlib import contextmanager, suppress
from functools import cache

from wherry.linux.dbus import Connection, DBusError, Interface
from wherry.linux.dbus_values import Value, Variant
from wherry.linux.idmap import in_first_user_namespace, user_in_parent_namespace
from wherry.linux.process import PrctlOption, prctl

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

INFINITY = (1 << 64) - 1  # what systemd calls a limit that is none

_SERVICE, _PATH = "org.freedesktop.systemd1", "/org/freedesktop/systemd1"
_MANAGER = Interface(_SERVICE, _PATH, "org.freedesktop.systemd1.Manager")
_NO_SUCH_UNIT = "org.freedesktop.systemd1.NoSuchUnit"
_PROPERTIES = Interface(_SERVICE, _PATH, "org.freedesktop.DBus.Properties")

Properties = Mapping[str, Variant]


class SystemdRefused(OSError):
    """What systemd answered instead of doing it."""

    def __init__(self, unit: str, reason: str) -> None:
        super().__init__(22, reason, unit)


def has_systemd() -> bool:
    """Whether systemd runs here and may be asked: that of the machine, or the user's own."""
    return os.path.isdir("/run/systemd/system") and os.access(_socket(), os.W_OK)


def is_users_own() -> bool:
    """Whether it is the instance of an ordinary user that is asked: not the machine's."""
    return os.geteuid() != 0 or not in_first_user_namespace()


def _socket() -> str:
    if not is_users_own():
        return "/run/systemd/private"
    folder = os.environ.get("XDG_RUNTIME_DIR") or f"/run/user/{user_in_parent_namespace()}"
    return f"{folder}/systemd/private"


@cache
def control_group() -> str:
    """The cgroup below which all slices are: "" on the machine, a service of it for a user."""
    with Connection(_socket()) as systemd:
        found = systemd.call(_PROPERTIES, "Get", "ss", _MANAGER.name, "ControlGroup")
    match found:
        case [Variant(_, str(path))]:
            return path
    raise SystemdRefused("ControlGroup", "systemd gave no path")


def split_path(path: str) -> tuple[str, str]:
    """The slice and the unit of a cgroup that is a scope: /a.slice/a-b.slice/c.scope."""
    above, _, unit = path.rpartition("/")
    slice_name = above.rpartition("/")[2]
    return slice_name if slice_name.endswith(".slice") else "-.slice", unit


@contextmanager
def started_scope(path: str, description: str, more: Properties) -> "Iterator[None]":
    """Have the scope whose cgroup is `path` while the block fills it; OSError without.

    A scope begins with a process and ends with its last one: a child of ours holds the place.
    For a program with one thread.
    """
    slice_name, unit = split_path(path)
    child = os.fork()
    if child == 0:
        try:
            prctl(PrctlOption.SET_PDEATHSIG, signal.SIGKILL)
            while True:
                signal.pause()
        finally:
            os._exit(0)
    try:
        _start_unit(
            unit,
            {
                "Description": Variant("s", description),
                "Slice": Variant("s", slice_name),
                "PIDs": Variant("au", [child]),
                "Delegate": Variant("b", True),
                "DefaultDependencies": Variant("b", False),
                **{
                    f"{kind}Accounting": Variant("b", True)
                    for kind in ("CPU", "Memory", "IO", "Tasks")
                },
                **more,
            },
        )
        try:
            yield
        except BaseException:
            # Nobody is in it who would stay; one that could not be started is somebody else's.
            with suppress(OSError):
                stop_unit(path)
            raise
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


def set_properties(path: str, properties: Properties) -> None:
    """Change the unit whose cgroup is `path`, until it ends; OSError if systemd does not."""
    _, unit = split_path(path)
    try:
        with Connection(_socket()) as systemd:
            signature = "sba(sv)"
            systemd.call(_MANAGER, "SetUnitProperties", signature, unit, True, _as_list(properties))
    except DBusError as error:
        raise SystemdRefused(unit, error.text) from error


def attach(path: str, pid: int) -> None:
    """Have systemd move a process of ours into the unit whose cgroup is `path`."""
    _, unit = split_path(path)
    try:
        with Connection(_socket()) as systemd:
            systemd.call(_MANAGER, "AttachProcessesToUnit", "ssau", unit, "", [pid])
    except DBusError as error:
        raise SystemdRefused(unit, error.text) from error


def stop_unit(path: str) -> None:
    """Have systemd forget the unit whose cgroup is `path`, if it knows it; OSError if it does not.

    By itself it may not notice that a cgroup is empty which is removed in the next moment.
    """
    _, unit = split_path(path)
    try:
        with Connection(_socket()) as systemd:
            systemd.call(_MANAGER, "ResetFailedUnit", "s", unit)
            (job,) = systemd.call(_MANAGER, "StopUnit", "ss", unit, "replace")
            _await_job(systemd, job)
    except DBusError as error:
        if error.name != _NO_SUCH_UNIT:
            raise SystemdRefused(unit, error.text) from error


def _await_job(systemd: Connection, job: Value) -> str:
    """Wait until systemd has done it; how it ended."""
    for told in systemd.signals():
        if told.member == "JobRemoved" and told.values[1] == job:
            return str(told.values[3])
    raise AssertionError("signals come without end")


def _start_unit(unit: str, properties: Properties) -> None:
    try:
        with Connection(_socket()) as systemd:
            signature = "ssa(sv)a(sa(sv))"
            (job,) = systemd.call(
                _MANAGER, "StartTransientUnit", signature, unit, "fail", _as_list(properties), []
            )
            result = _await_job(systemd, job)
    except DBusError as error:
        raise SystemdRefused(unit, error.text) from error
    if result != "done":
        raise SystemdRefused(unit, f"systemd could not start it: {result}")


def _as_list(properties: Properties) -> list[Value]:
    return list(properties.items())
