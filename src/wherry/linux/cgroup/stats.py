"""What a cgroup has used, the same for v1 and v2; times in nanoseconds, sizes in bytes."""

from collections.abc import Mapping
from types import MappingProxyType

from wherry.values import dataclass


@dataclass(frozen=True)
class CPUStats:
    total: int = 0
    user: int = 0
    system: int = 0
    per_cpu: tuple[int, ...] = ()  # v1 only
    periods: int = 0
    throttled_periods: int = 0
    throttled_time: int = 0


@dataclass(frozen=True)
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
    details: Mapping[str, int] = MappingProxyType({})  # memory.stat


@dataclass(frozen=True)
class BlockIOEntry:
    major: int
    minor: int
    operation: str  # Read, Write, Sync, Async, Discard, Total on v1; read, write on v2
    value: int


@dataclass(frozen=True)
class BlockIOStats:
    service_bytes: tuple[BlockIOEntry, ...] = ()
    serviced: tuple[BlockIOEntry, ...] = ()


@dataclass(frozen=True)
class PidsStats:
    current: int = 0
    limit: int | None = None


@dataclass(frozen=True)
class HugePageStats:
    usage: int = 0
    max_usage: int = 0
    failures: int = 0


@dataclass(frozen=True)
class Stats:
    version: int  # of the cgroup interface, 1 or 2
    cpu: CPUStats = CPUStats()
    memory: MemoryStats = MemoryStats()
    block_io: BlockIOStats = BlockIOStats()
    pids: PidsStats = PidsStats()
    huge_pages: Mapping[str, HugePageStats] = MappingProxyType({})
