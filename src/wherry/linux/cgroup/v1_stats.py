"""Reading a container's use from the files of cgroup v1."""

import os

from wherry.linux.cgroup.files import read, read_limit, read_number, read_table
from wherry.linux.cgroup.stats import (
    BlockIOEntry,
    BlockIOStats,
    CPUStats,
    HugePageStats,
    MemoryStats,
    PidsStats,
    Stats,
)

_NANOSECONDS_PER_TICK = 1_000_000_000 // os.sysconf("SC_CLK_TCK")


def read_stats(locations: dict[str, str]) -> Stats:
    """The use of the cgroup whose directories are `locations`; zero where the kernel lacks one."""
    return Stats(
        version=1,
        cpu=_cpu(locations.get("cpuacct", ""), locations.get("cpu", "")),
        memory=_memory(locations.get("memory", "")),
        block_io=_block_io(locations.get("blkio", "")),
        pids=PidsStats(
            current=read_number(f"{locations.get('pids', '')}/pids.current"),
            limit=read_limit(f"{locations.get('pids', '')}/pids.max"),
        ),
        huge_pages=_huge_pages(locations.get("hugetlb", "")),
    )


def _cpu(accounting: str, quota: str) -> CPUStats:
    ticks = read_table(f"{accounting}/cpuacct.stat")
    throttling = read_table(f"{quota}/cpu.stat")
    try:
        per_cpu = tuple(int(text) for text in read(f"{accounting}/cpuacct.usage_percpu").split())
    except FileNotFoundError:
        per_cpu = ()
    return CPUStats(
        total=read_number(f"{accounting}/cpuacct.usage"),
        user=ticks.get("user", 0) * _NANOSECONDS_PER_TICK,
        system=ticks.get("system", 0) * _NANOSECONDS_PER_TICK,
        per_cpu=per_cpu,
        periods=throttling.get("nr_periods", 0),
        throttled_periods=throttling.get("nr_throttled", 0),
        throttled_time=throttling.get("throttled_time", 0),
    )


def _memory(directory: str) -> MemoryStats:
    memory, swap = f"{directory}/memory.", f"{directory}/memory.memsw."
    return MemoryStats(
        usage=read_number(f"{memory}usage_in_bytes"),
        max_usage=read_number(f"{memory}max_usage_in_bytes"),
        limit=read_limit(f"{memory}limit_in_bytes"),
        failures=read_number(f"{memory}failcnt"),
        swap_usage=read_number(f"{swap}usage_in_bytes"),
        swap_max_usage=read_number(f"{swap}max_usage_in_bytes"),
        swap_limit=read_limit(f"{swap}limit_in_bytes"),
        swap_failures=read_number(f"{swap}failcnt"),
        kernel_usage=read_number(f"{memory}kmem.usage_in_bytes"),
        kernel_tcp_usage=read_number(f"{memory}kmem.tcp.usage_in_bytes"),
        details=read_table(f"{memory}stat"),
    )


def _block_io(directory: str) -> BlockIOStats:
    # BFQ counts what its scheduler handled; without it the throttling layer counts everything.
    return BlockIOStats(
        service_bytes=_entries(f"{directory}/blkio.bfq.io_service_bytes_recursive")
        or _entries(f"{directory}/blkio.throttle.io_service_bytes_recursive"),
        serviced=_entries(f"{directory}/blkio.bfq.io_serviced_recursive")
        or _entries(f"{directory}/blkio.throttle.io_serviced_recursive"),
    )


def _entries(path: str) -> tuple[BlockIOEntry, ...]:
    try:
        lines = read(path).splitlines()
    except FileNotFoundError:
        return ()
    return tuple(
        BlockIOEntry(
            major=int(device.partition(":")[0]),
            minor=int(device.partition(":")[2]),
            operation=operation,
            value=int(value),
        )
        for device, operation, value in filter(_has_device, map(str.split, lines))
    )


def _has_device(fields: list[str]) -> bool:
    return len(fields) == 3  # "8:0 Read 4096"; the last line, "Total 4096", is of no device


def _huge_pages(directory: str) -> dict[str, HugePageStats]:
    if not directory or not os.path.isdir(directory):
        return {}
    suffix = ".usage_in_bytes"
    sizes = [
        name.removeprefix("hugetlb.").removesuffix(suffix)
        for name in os.listdir(directory)
        if name.startswith("hugetlb.") and name.endswith(suffix) and ".rsvd." not in name
    ]
    return {
        size: HugePageStats(
            usage=read_number(f"{directory}/hugetlb.{size}.usage_in_bytes"),
            max_usage=read_number(f"{directory}/hugetlb.{size}.max_usage_in_bytes"),
            failures=read_number(f"{directory}/hugetlb.{size}.failcnt"),
        )
        for size in sizes
    }
