"""Docker's document of a container's use, GET /containers/{id}/stats, and its arithmetic.

What `docker stats` prints is worked out by the client from two samples a second apart, and so
from the document: `usage_of` does it as the Docker client does (cli/command/container/
stats_helpers.go), which is why memory excludes what the page cache could give back.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from wherry.linux.cgroup.stats import BlockIOEntry, CPUStats, MemoryStats, PidsStats, Stats
from wherry.linux.network_counters import Counters
from wherry.oci.timestamps import format_timestamp
from wherry.store.containers import NEVER
from wherry.values import dataclass, field

UNLIMITED_PIDS = 2**64 - 1

# Docker passes on these of v1's memory.stat, each with its recursive total_, and no others.
_V1_OWN = (
    "active_anon active_file cache dirty inactive_anon inactive_file mapped_file pgfault"
    " pgmajfault pgpgin pgpgout rss rss_huge unevictable writeback"
)
_V2 = (
    "active_anon active_file anon anon_thp file file_dirty file_mapped file_writeback"
    " inactive_anon inactive_file kernel_stack pgactivate pgdeactivate pgfault pglazyfree"
    " pglazyfreed pgmajfault pgrefill pgscan pgsteal shmem slab slab_reclaimable"
    " slab_unreclaimable sock thp_collapse_alloc thp_fault_alloc unevictable"
    " workingset_activate workingset_nodereclaim workingset_refault"
)
V1_DETAILS = (
    "hierarchical_memory_limit",
    "hierarchical_memsw_limit",
    *_V1_OWN.split(),
    *(f"total_{name}" for name in _V1_OWN.split()),
)
V2_DETAILS = tuple(_V2.split())


@dataclass(frozen=True, kw_only=True, slots=True)
class Sample:
    """What one moment showed of a container and of the machine it runs on."""

    read_ns: int  # since the epoch
    stats: Stats
    system_cpu: int  # nanoseconds that all processors have spent since boot, idle or not
    online_cpus: int
    machine_memory: int
    networks: Mapping[str, Counters] = field(default_factory=dict)


def stats_document(
    container_id: str, name: str, sample: Sample | None, previous: Sample | None = None
) -> dict[str, object]:
    """The document of one sample, compared with one before; without a sample, all zero, as
    Docker answers for a container that does not run."""
    document: dict[str, object] = {
        "read": NEVER if sample is None else format_timestamp(sample.read_ns),
        "preread": NEVER if previous is None else format_timestamp(previous.read_ns),
        "pids_stats": {} if sample is None else _pids(sample.stats.version, sample.stats.pids),
        "blkio_stats": _block_io(sample),
        "num_procs": 0,
        "storage_stats": {},
        "cpu_stats": _cpu(sample),
        "precpu_stats": _cpu(previous),
        "memory_stats": {} if sample is None else _memory(sample),
        "name": f"/{name}",
        "id": container_id,
    }
    if sample is not None and sample.networks:
        document["networks"] = {key: _network(value) for key, value in sample.networks.items()}
    return document


def _pids(version: int, pids: PidsStats) -> dict[str, object]:
    found = {"current": pids.current, "limit": pids.limit or 0}
    if pids.limit is None and version == 2:
        found["limit"] = UNLIMITED_PIDS
    return _without_zeros(found)


def _without_zeros(values: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in values.items() if value}


def _cpu(sample: Sample | None) -> dict[str, object]:
    cpu = sample.stats.cpu if sample else CPUStats()
    usage: dict[str, object] = {"total_usage": cpu.total}
    if cpu.per_cpu:
        usage["percpu_usage"] = list(cpu.per_cpu)
    usage |= {"usage_in_kernelmode": cpu.system, "usage_in_usermode": cpu.user}
    document: dict[str, object] = {"cpu_usage": usage}
    if sample is not None:
        document |= {"system_cpu_usage": sample.system_cpu, "online_cpus": sample.online_cpus}
    document["throttling_data"] = {
        "periods": cpu.periods,
        "throttled_periods": cpu.throttled_periods,
        "throttled_time": cpu.throttled_time,
    }
    return document


def _memory(sample: Sample) -> dict[str, object]:
    memory = sample.stats.memory
    first = sample.stats.version == 1
    details = V1_DETAILS if first else V2_DETAILS
    return _without_zeros(
        {
            "usage": memory.usage,
            # Docker has no maximum on v2, though newer kernels know it.
            "max_usage": memory.max_usage if first else 0,
        }
    ) | {
        "stats": {name: memory.details.get(name, 0) for name in details},
        **_without_zeros({"failcnt": memory.failures}),
        "limit": _memory_limit(memory, sample.machine_memory),
    }


def _memory_limit(memory: MemoryStats, machine: int) -> int:
    """What can be used: without a limit, all that the machine has."""
    return machine if memory.limit is None else min(memory.limit, machine)


def _block_io(sample: Sample | None) -> dict[str, object]:
    # v1's kernels once had eight files, of which two are left; v2 never had the others.
    first = sample is not None and sample.stats.version == 1
    none: list[object] | None = [] if first else None
    return {
        "io_service_bytes_recursive": (
            _entries(sample.stats.block_io.service_bytes) if sample else None
        ),
        "io_serviced_recursive": (
            _entries(sample.stats.block_io.serviced) if sample and first else None
        ),
        "io_queue_recursive": none,
        "io_service_time_recursive": none,
        "io_wait_time_recursive": none,
        "io_merged_recursive": none,
        "io_time_recursive": none,
        "sectors_recursive": none,
    }


def _entries(entries: Iterable[BlockIOEntry]) -> list[object]:
    return [
        {
            "major": entry.major,
            "minor": entry.minor,
            "op": entry.operation,
            "value": entry.value,
        }
        for entry in entries
    ]


def _network(counters: Counters) -> dict[str, int]:
    return {
        "rx_bytes": counters.received_bytes,
        "rx_packets": counters.received_packets,
        "rx_errors": counters.receive_errors,
        "rx_dropped": counters.receive_drops,
        "tx_bytes": counters.sent_bytes,
        "tx_packets": counters.sent_packets,
        "tx_errors": counters.send_errors,
        "tx_dropped": counters.send_drops,
    }


@dataclass(frozen=True, kw_only=True, slots=True)
class Usage:
    """A line of `docker stats`, in numbers."""

    cpu_percent: float
    memory: int
    memory_limit: int
    memory_percent: float
    received: int
    sent: int
    block_read: int
    block_written: int
    pids: int


def usage_of(document: Mapping[str, Any]) -> Usage:
    """What the client makes of a document, whoever wrote it."""
    memory = memory_without_cache(document["memory_stats"])
    limit = document["memory_stats"].get("limit", 0)
    networks = (document.get("networks") or {}).values()
    entries = document["blkio_stats"].get("io_service_bytes_recursive") or []
    return Usage(
        cpu_percent=cpu_percent(document["cpu_stats"], document["precpu_stats"]),
        memory=memory,
        memory_limit=limit,
        memory_percent=memory / limit * 100 if limit else 0.0,
        received=sum(network["rx_bytes"] for network in networks),
        sent=sum(network["tx_bytes"] for network in networks),
        block_read=sum(entry["value"] for entry in entries if entry["op"][:1] in ("r", "R")),
        block_written=sum(entry["value"] for entry in entries if entry["op"][:1] in ("w", "W")),
        pids=document["pids_stats"].get("current", 0),
    )


def cpu_percent(now: Mapping[str, Any], before: Mapping[str, Any]) -> float:
    """Use between two samples, where 100 is one whole processor."""
    used = now["cpu_usage"]["total_usage"] - before["cpu_usage"]["total_usage"]
    passed = now.get("system_cpu_usage", 0) - before.get("system_cpu_usage", 0)
    processors = now.get("online_cpus", 0) or len(now["cpu_usage"].get("percpu_usage") or [])
    return used / passed * processors * 100.0 if passed > 0 and used > 0 else 0.0


def memory_without_cache(memory: Mapping[str, Any]) -> int:
    """Use without the inactive page cache, which the kernel takes back before it kills."""
    usage: int = memory.get("usage", 0)
    details = memory.get("stats") or {}
    cache: int = details.get("total_inactive_file", details.get("inactive_file", 0))
    return usage - cache if cache < usage else usage
