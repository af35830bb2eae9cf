"""What a cgroup has used, the same for v1 and v2; times in nanoseconds, sizes in bytes."""

from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True, slots=True)
class CPUStats:
    total: int = 0
    user: int = 0
    system: int = 0
    per_cpu: tuple[int, ...] = ()  # v1 only
    periods: int = 0
    throttled_periods: int = 0
    throttled_time: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class MemoryStats:
    """Without a limit, `limit` is a huge number on v1, as the kernel prints it, `None` on v2."""

    usage: int = 0
    max_usage: int = 0
    limit: int | None = None
    failures: int = 0
    swap_usage: int = 0  # v1: with memory; v2: alone
    swap_max_usage: int = 0
    swap_limit: int | None = None
    swap_failures: int = 0
    kernel_usage: int = 0
    kernel_tcp_usage: int = 0
    details: dict[str, int] = field(default_factory=dict)  # memory.stat


@dataclass(frozen=True, kw_only=True, slots=True)
class BlockIOEntry:
    major: int
    minor: int
    operation: str  # Read, Write, Sync, Async, Discard, Total on v1; read, write on v2
    value: int


@dataclass(frozen=True, kw_only=True, slots=True)
class BlockIOStats:
    service_bytes: tuple[BlockIOEntry, ...] = ()
    serviced: tuple[BlockIOEntry, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class PidsStats:
    current: int = 0
    limit: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class HugePageStats:
    usage: int = 0
    max_usage: int = 0
    failures: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Stats:
    version: int  # of the cgroup interface, 1 or 2
    cpu: CPUStats = field(default_factory=CPUStats)
    memory: MemoryStats = field(default_factory=MemoryStats)
    block_io: BlockIOStats = field(default_factory=BlockIOStats)
    pids: PidsStats = field(default_factory=PidsStats)
    huge_pages: dict[str, HugePageStats] = field(default_factory=dict)
