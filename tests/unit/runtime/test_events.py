"""A stats event in runc's form."""

from wherry.linux.cgroup.stats import (
    BlockIOEntry,
    BlockIOStats,
    CPUStats,
    HugePageStats,
    MemoryStats,
    PidsStats,
    Stats,
)
from wherry.runtime.events import stats_event


def test_a_stats_event_has_runcs_form() -> None:
    stats = Stats(
        version=1,
        cpu=CPUStats(total=9, user=2, system=3, per_cpu=(4, 5), periods=6, throttled_time=7),
        memory=MemoryStats(
            usage=10, max_usage=20, limit=30, failures=1, kernel_usage=5, details={"cache": 8}
        ),
        block_io=BlockIOStats(
            service_bytes=(BlockIOEntry(major=254, minor=0, operation="Read", value=4096),)
        ),
        pids=PidsStats(current=2, limit=7),
        huge_pages={"2MB": HugePageStats(usage=1, max_usage=2, failures=3)},
    )

    assert stats_event("web", stats) == {
        "type": "stats",
        "id": "web",
        "data": {
            "cpu": {
                "usage": {"total": 9, "percpu": [4, 5], "kernel": 3, "user": 2},
                "throttling": {"periods": 6, "throttledTime": 7},
            },
            "memory": {
                "cache": 8,
                "usage": {"limit": 30, "usage": 10, "max": 20, "failcnt": 1},
                "swap": {"limit": 2**64 - 1, "failcnt": 0},
                "kernel": {"limit": 2**64 - 1, "usage": 5, "failcnt": 0},
                "kernelTCP": {"limit": 2**64 - 1, "failcnt": 0},
                "raw": {"cache": 8},
            },
            "pids": {"current": 2, "limit": 7},
            "blkio": {"ioServiceBytesRecursive": [{"major": 254, "op": "Read", "value": 4096}]},
            "hugetlb": {"2MB": {"usage": 1, "max": 2, "failcnt": 3}},
            "intel_rdt": {},
            "network_interfaces": None,
        },
    }
