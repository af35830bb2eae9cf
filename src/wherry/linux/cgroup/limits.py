"""What a cgroup may use, as values; the v1 and v2 managers turn them into files.

`None` leaves a limit as it is, -1 lifts it, as in the OCI runtime configuration
(https://github.com/opencontainers/runtime-spec/blob/v1.2.0/config-linux.md#control-groups).
"""

from wherry.values import dataclass

UNLIMITED = -1


@dataclass(frozen=True)
class MemoryLimits:
    """Bytes. `swap` is memory and swap together, on v2 too."""

    limit: int | None = None
    reservation: int | None = None
    swap: int | None = None
    kernel_tcp: int | None = None
    swappiness: int | None = None
    disable_oom_killer: bool | None = None
    # Refuse a new limit below what is used already, instead of reclaiming or killing.
    check_before_update: bool = False


@dataclass(frozen=True)
class CPULimits:
    """Periods, quotas and bursts in microseconds; `shares` on v1's scale of 2 to 262144."""

    shares: int | None = None
    quota: int | None = None
    period: int | None = None
    burst: int | None = None
    realtime_runtime: int | None = None
    realtime_period: int | None = None
    cpus: str = ""
    mems: str = ""
    idle: bool | None = None


@dataclass(frozen=True)
class DeviceWeight:
    major: int
    minor: int
    weight: int


@dataclass(frozen=True)
class DeviceRate:
    """Bytes or operations a second; 0 lifts the limit."""

    major: int
    minor: int
    rate: int


@dataclass(frozen=True)
class BlockIOLimits:
    """`weight` on v1's scale of 10 to 1000."""

    weight: int | None = None
    device_weights: tuple[DeviceWeight, ...] = ()
    read_bytes: tuple[DeviceRate, ...] = ()
    write_bytes: tuple[DeviceRate, ...] = ()
    read_operations: tuple[DeviceRate, ...] = ()
    write_operations: tuple[DeviceRate, ...] = ()


@dataclass(frozen=True)
class RdmaLimits:
    handles: int | None = None
    objects: int | None = None


@dataclass(frozen=True)
class DeviceRule:
    """One line of a device table. `type` is a, b or c; `None` is any number; `access` of r, w, m.

    A table starts from "everything is refused"; of several rules that fit, the last decides.
    """

    allow: bool
    type: str = "a"
    major: int | None = None
    minor: int | None = None
    access: str = "rwm"


@dataclass(frozen=True)
class Limits:
    memory: MemoryLimits = MemoryLimits()
    cpu: CPULimits = CPULimits()
    pids: int | None = None
    block_io: BlockIOLimits = BlockIOLimits()
    huge_pages: tuple[tuple[str, int], ...] = ()  # ("2MB", bytes)
    network_class: int | None = None
    network_priorities: tuple[tuple[str, int], ...] = ()  # (interface, priority)
    rdma: tuple[tuple[str, RdmaLimits], ...] = ()  # by device
    unified: tuple[tuple[str, str], ...] = ()  # v2 files and what to write into them, last of all
    devices: tuple[DeviceRule, ...] | None = None  # None: leave the device filter alone
