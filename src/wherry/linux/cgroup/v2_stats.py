"""Reading a container's use from the files of cgroup v2 (cgroup-v2.rst)."""

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


def read_stats(directory: str) -> Stats:
    """The use of the cgroup at `directory`; zero where it has not got the controller."""
    return Stats(
        version=2,
        cpu=_cpu(directory),
        memory=_memory(directory),
        block_io=_block_io(directory),
        pids=PidsStats(
            current=read_number(f"{directory}/pids.current"),
            limit=read_limit(f"{directory}/pids.max"),
        ),
        huge_pages=_huge_pages(directory),
    )


def _cpu(directory: str) -> CPUStats:
    table = read_table(f"{directory}/cpu.stat")
    return CPUStats(
        total=table.get("usage_usec", 0) * 1000,
        user=table.get("user_usec", 0) * 1000,
        system=table.get("system_usec", 0) * 1000,
        periods=table.get("nr_periods", 0),
        throttled_periods=table.get("nr_throttled", 0),
        throttled_time=table.get("throttled_usec", 0) * 1000,
    )


def _memory(directory: str) -> MemoryStats:
    memory = f"{directory}/memory."
    events = read_table(f"{memory}events")
    return MemoryStats(
        usage=read_number(f"{memory}current"),
        max_usage=read_number(f"{memory}peak"),
        limit=read_limit(f"{memory}max"),
        failures=events.get("oom", 0),
        swap_usage=read_number(f"{memory}swap.current"),
        swap_max_usage=read_number(f"{memory}swap.peak"),
        swap_limit=read_limit(f"{memory}swap.max"),
        details=read_table(f"{memory}stat"),
    )


def _block_io(directory: str) -> BlockIOStats:
    try:
        lines = read(f"{directory}/io.stat").splitlines()
    except FileNotFoundError:
        return BlockIOStats()
    service_bytes: list[BlockIOEntry] = []
    serviced: list[BlockIOEntry] = []
    for line in lines:
        device, *pairs = line.split()
        values = dict(pair.split("=", 1) for pair in pairs if "=" in pair)
        for key, operation, entries in (
            ("rbytes", "read", service_bytes),
            ("wbytes", "write", service_bytes),
            ("rios", "read", serviced),
            ("wios", "write", serviced),
        ):
            if key in values:
                entries.append(_entry(device, operation, int(values[key])))
    return BlockIOStats(service_bytes=tuple(service_bytes), serviced=tuple(serviced))


def _entry(device: str, operation: str, value: int) -> BlockIOEntry:
    major, _, minor = device.partition(":")
    return BlockIOEntry(major=int(major), minor=int(minor), operation=operation, value=value)


def _huge_pages(directory: str) -> dict[str, HugePageStats]:
    try:
        names = os.listdir(directory)
    except FileNotFoundError:
        return {}
    sizes = [
        name.removeprefix("hugetlb.").removesuffix(".current")
        for name in names
        if name.startswith("hugetlb.") and name.endswith(".current") and ".rsvd." not in name
    ]
    return {
        size: HugePageStats(
            usage=read_number(f"{directory}/hugetlb.{size}.current"),
            failures=read_table(f"{directory}/hugetlb.{size}.events").get("max", 0),
        )
        for size in sizes
    }
