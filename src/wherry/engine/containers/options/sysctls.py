"""Which kernel parameters a container may set: those that its own namespaces have."""

from wherry.engine.containers.options.values import EngineRefusal

_IPC = frozenset((
    "kernel.msgmax", "kernel.msgmnb", "kernel.msgmni", "kernel.sem",
    "kernel.shmall", "kernel.shmmax", "kernel.shmmni", "kernel.shm_rmid_forced",
))  # fmt: skip


class SysctlNotAllowed(EngineRefusal):
    def __init__(self, name: str) -> None:
        super().__init__(f"sysctl '{name}' is not allowed")


def check_sysctl(name: str) -> None:
    """SysctlNotAllowed for what is the machine's."""
    if name not in _IPC and not name.startswith(("net.", "fs.mqueue.")):
        raise SysctlNotAllowed(name)
