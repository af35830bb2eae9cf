"""--pid, --ipc, --uts, --userns, --cgroupns: the words each takes."""

from wherry.errors import InvalidArgument


def is_container_mode(mode: str) -> bool:
    return mode.startswith("container:")


def container_of(mode: str) -> str:
    """The name behind `container:`, or ""."""
    return mode.removeprefix("container:") if is_container_mode(mode) else ""


def check_client_modes(pid: str, uts: str, userns: str, cgroupns: str) -> None:
    """The words that Docker's client refuses itself; --ipc is left to the engine."""
    if not is_valid_pid_mode(pid):
        raise InvalidArgument("--pid: invalid PID mode")
    if uts not in ("", "host"):
        raise InvalidArgument("--uts: invalid UTS mode")
    if userns not in ("", "host"):
        raise InvalidArgument("--userns: invalid USER mode")
    if cgroupns not in ("", "host", "private"):
        raise InvalidArgument("--cgroupns: invalid CGROUP mode")


def is_valid_pid_mode(mode: str) -> bool:
    return mode in ("", "host") or bool(container_of(mode))


def is_valid_ipc_mode(mode: str) -> bool:
    return mode in ("", "none", "private", "shareable", "host") or bool(container_of(mode))
