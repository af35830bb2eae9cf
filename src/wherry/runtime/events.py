"""What `events` prints: use at an interval, and out-of-memory kills as they happen.

One JSON object a line, in runc's form (libcontainer's types/events.go).
"""

import select
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from typing import Any

from wherry.linux.cgroup.manager import CgroupManager
from wherry.linux.cgroup.stats import (
    BlockIOEntry,
    BlockIOStats,
    CPUStats,
    MemoryStats,
    Stats,
)

Event = dict[str, object]


def stats_event(container_id: str, stats: Stats) -> Event:
    """What the container has used, as one event."""
    return {
        "type": "stats",
        "id": container_id,
        "data": {
            "cpu": _cpu(stats.cpu),
            "memory": _memory(stats.memory),
            "pids": _without_zeros({"current": stats.pids.current, "limit": stats.pids.limit or 0}),
            "blkio": _block_io(stats.block_io),
            "hugetlb": {
                size: {"usage": page.usage, "max": page.max_usage, "failcnt": page.failures}
                for size, page in stats.huge_pages.items()
            },
            "intel_rdt": {},
            "network_interfaces": None,
        },
    }


def follow_events(
    container_id: str, manager: CgroupManager, process: int, interval: float
) -> Iterator[Event]:
    """A stats event every `interval` seconds and an oom event for each kill, until the process
    of the pidfd `process` has ended."""
    with ExitStack() as stack:
        poll = select.poll()
        poll.register(process, select.POLLIN)
        watch = stack.enter_context(manager.watch_oom())
        poll.register(watch.fileno(), select.POLLIN)
        due = time.monotonic() + interval
        while True:
            ready = poll.poll(max(0.0, due - time.monotonic()) * 1000)
            # Asked each time: a process may end before the news of its kill is out.
            if watch.acknowledge():
                yield {"type": "oom", "id": container_id}
            if any(descriptor == process for descriptor, _ in ready):
                return
            if time.monotonic() >= due:
                due += interval
                yield stats_event(container_id, manager.stats())


def _cpu(cpu: CPUStats) -> Event:
    usage: Event = {"total": cpu.total}
    if cpu.per_cpu:
        usage["percpu"] = list(cpu.per_cpu)
    return {
        "usage": usage | {"kernel": cpu.system, "user": cpu.user},
        "throttling": _without_zeros(
            {
                "periods": cpu.periods,
                "throttledPeriods": cpu.throttled_periods,
                "throttledTime": cpu.throttled_time,
            }
        ),
    }


def _memory(memory: MemoryStats) -> Event:
    return _without_zeros({"cache": memory.details.get("cache", memory.details.get("file", 0))}) | {
        "usage": _counter(memory.limit, memory.usage, memory.max_usage, memory.failures),
        "swap": _counter(
            memory.swap_limit, memory.swap_usage, memory.swap_max_usage, memory.swap_failures
        ),
        "kernel": _counter(None, memory.kernel_usage, 0, 0),
        "kernelTCP": _counter(None, memory.kernel_tcp_usage, 0, 0),
        "raw": dict(memory.details),
    }


def _counter(limit: int | None, usage: int, maximum: int, failures: int) -> Event:
    # Without a limit v2 says "max", which runc prints as the largest number there is.
    return {
        "limit": 2**64 - 1 if limit is None else limit,
        **_without_zeros({"usage": usage, "max": maximum}),
        "failcnt": failures,
    }


def _block_io(block_io: BlockIOStats) -> Event:
    return _without_zeros(
        {
            "ioServiceBytesRecursive": _entries(block_io.service_bytes),
            "ioServicedRecursive": _entries(block_io.serviced),
        }
    )


def _entries(entries: Iterable[BlockIOEntry]) -> list[Event]:
    return [
        _without_zeros({"major": entry.major, "minor": entry.minor})
        | {"op": entry.operation}
        | _without_zeros({"value": entry.value})
        for entry in entries
    ]


def _without_zeros(values: dict[str, Any]) -> Event:
    return {key: value for key, value in values.items() if value}
