"""Docker's stats document and what its client makes of it."""

from dataclasses import replace
from typing import Any

import pytest

from wherry.engine.documents.stats import (
    Sample,
    cpu_percent,
    memory_without_cache,
    stats_document,
    usage_of,
)
from wherry.linux.cgroup.stats import (
    BlockIOEntry,
    BlockIOStats,
    CPUStats,
    MemoryStats,
    PidsStats,
    Stats,
)
from wherry.linux.machine import parse_processor_time
from wherry.linux.network_counters import parse_counters

GIGABYTE = 1 << 30

SAMPLE = Sample(
    read_ns=1_795_478_841_580_254_500,
    stats=Stats(
        version=1,
        cpu=CPUStats(total=300, user=100, system=200, per_cpu=(120, 180)),
        memory=MemoryStats(
            usage=1000,
            max_usage=2000,
            limit=9223372036854771712,
            details={"cache": 5, "total_inactive_file": 400, "shmem": 7},
        ),
        block_io=BlockIOStats(
            service_bytes=(
                BlockIOEntry(major=8, minor=0, operation="Read", value=30),
                BlockIOEntry(major=8, minor=0, operation="Write", value=40),
                BlockIOEntry(major=8, minor=0, operation="Total", value=70),
                BlockIOEntry(major=8, minor=16, operation="Read", value=1),
            )
        ),
        pids=PidsStats(current=3),
    ),
    system_cpu=10_000,
    online_cpus=2,
    machine_memory=GIGABYTE,
    networks=parse_counters(
        "Inter-| Receive | Transmit\n face |bytes ...\n"
        "    lo: 9 9 9 9 0 0 0 0 9 9 9 9 0 0 0 0\n"
        "  eth0: 486 5 1 2 0 0 0 0 42 6 3 4 0 0 0 0\n"
        "  eth1:10 1 0 0 0 0 0 0 20 1 0 0 0 0 0 0\n"
    ),
)
SECOND = replace(SAMPLE, stats=replace(SAMPLE.stats, cpu=CPUStats(total=1300)), system_cpu=14_000)


def document(sample: Sample | None, previous: Sample | None = None) -> dict[str, Any]:
    return stats_document("ab12", "web", sample, previous)


def test_a_document_of_cgroup_v1() -> None:
    found = document(SAMPLE)

    assert found["name"] == "/web"
    assert found["id"] == "ab12"
    assert found["read"] == "2026-11-24T00:07:21.5802545Z"
    assert found["preread"] == "0001-01-01T00:00:00Z"
    assert found["pids_stats"] == {"current": 3}
    assert found["cpu_stats"] == {
        "cpu_usage": {
            "total_usage": 300,
            "percpu_usage": [120, 180],
            "usage_in_kernelmode": 200,
            "usage_in_usermode": 100,
        },
        "system_cpu_usage": 10_000,
        "online_cpus": 2,
        "throttling_data": {"periods": 0, "throttled_periods": 0, "throttled_time": 0},
    }
    assert found["memory_stats"]["limit"] == GIGABYTE
    assert found["memory_stats"]["max_usage"] == 2000
    assert found["memory_stats"]["stats"]["cache"] == 5
    assert "shmem" not in found["memory_stats"]["stats"]
    assert "failcnt" not in found["memory_stats"]
    assert found["blkio_stats"]["io_time_recursive"] == []
    assert found["blkio_stats"]["io_service_bytes_recursive"][1] == {
        "major": 8,
        "minor": 0,
        "op": "Write",
        "value": 40,
    }
    assert found["networks"]["eth0"] == {
        "rx_bytes": 486,
        "rx_packets": 5,
        "rx_errors": 1,
        "rx_dropped": 2,
        "tx_bytes": 42,
        "tx_packets": 6,
        "tx_errors": 3,
        "tx_dropped": 4,
    }
    assert list(found["networks"]) == ["eth0", "eth1"]


def test_a_document_of_cgroup_v2() -> None:
    sample = replace(
        SAMPLE,
        stats=Stats(
            version=2,
            memory=MemoryStats(usage=9, max_usage=99, limit=512, failures=2, details={"anon": 4}),
        ),
        networks={},
    )

    found = document(sample)

    assert found["pids_stats"] == {"limit": 2**64 - 1}
    assert found["memory_stats"] | {"stats": None} == {
        "usage": 9,
        "stats": None,
        "failcnt": 2,
        "limit": 512,
    }
    assert found["memory_stats"]["stats"]["anon"] == 4
    assert found["blkio_stats"]["io_service_bytes_recursive"] == []
    assert found["blkio_stats"]["io_serviced_recursive"] is None
    assert "percpu_usage" not in found["cpu_stats"]["cpu_usage"]
    assert "networks" not in found


def test_a_container_that_does_not_run_has_used_nothing() -> None:
    zero = {
        "cpu_usage": {"total_usage": 0, "usage_in_kernelmode": 0, "usage_in_usermode": 0},
        "throttling_data": {"periods": 0, "throttled_periods": 0, "throttled_time": 0},
    }
    found = document(None)

    assert found["read"] == found["preread"] == "0001-01-01T00:00:00Z"
    assert found["cpu_stats"] == found["precpu_stats"] == zero
    assert found["memory_stats"] == found["pids_stats"] == {}
    assert usage_of(found).memory_percent == 0.0


def test_the_line_that_stats_prints() -> None:
    usage = usage_of(document(SECOND, SAMPLE))

    # 1000 of the 4000 that two processors have spent is half of one.
    assert usage.cpu_percent == 50.0
    assert usage.memory == 600
    assert usage.memory_limit == GIGABYTE
    assert usage.memory_percent == 600 / GIGABYTE * 100
    assert (usage.received, usage.sent) == (496, 62)
    assert (usage.block_read, usage.block_written) == (31, 40)
    assert usage.pids == 3


@pytest.mark.parametrize(
    ("used", "passed", "percent"),
    [(0, 100, 0.0), (100, 0, 0.0), (-5, 100, 0.0), (100, 200, 100.0)],
)
def test_cpu_percent(used: int, passed: int, percent: float) -> None:
    before = {"cpu_usage": {"total_usage": 1000}, "system_cpu_usage": 1000}
    now = {
        "cpu_usage": {"total_usage": 1000 + used, "percpu_usage": [1, 2]},
        "system_cpu_usage": 1000 + passed,
    }

    assert cpu_percent(now, before) == percent


@pytest.mark.parametrize(
    ("memory", "used"),
    [
        ({"usage": 100, "stats": {"total_inactive_file": 30, "inactive_file": 10}}, 70),
        ({"usage": 100, "stats": {"inactive_file": 10}}, 90),
        ({"usage": 100, "stats": {"inactive_file": 100}}, 100),
        ({}, 0),
    ],
)
def test_memory_leaves_out_what_can_be_given_back(memory: dict[str, Any], used: int) -> None:
    assert memory_without_cache(memory) == used


def test_processor_time_leaves_out_steal_and_guest() -> None:
    text = "cpu  1 2 3 4 5 6 7 800 900 1000\ncpu0 1 1 1 1 0 0 0 0 0 0\ncpu1 0 0\nintr 5\n"

    assert parse_processor_time(text) == (28 * 10_000_000, 2)
