"""Limits as writes to the files of cgroup v1, in the order the kernel takes them.

Documentation/admin-guide/cgroup-v1 describes the files; where several answers are possible,
runc's is given, so that a container has the same limits under either.
"""

import errno
import os
from collections.abc import Callable, Iterator

from wherry.linux.cgroup.device_table import DeviceTable
from wherry.linux.cgroup.limits import (
    BlockIOLimits,
    CPULimits,
    DeviceRule,
    Limits,
    MemoryLimits,
)
from wherry.values import dataclass

LEAST_SHARES = 2
MOST_SHARES = 262_144

Read = Callable[[str, str], str]  # (controller, file); FileNotFoundError if there is none


@dataclass(frozen=True)
class Write:
    controller: str
    file: str
    value: str
    # What to write instead when the kernel has not got the file.
    otherwise: str = ""


def writes(limits: Limits, read: Read) -> Iterator[Write]:
    """What to write for `limits`; `read` tells the present values that the order depends on."""
    if limits.unified:
        raise ValueError("invalid configuration: cannot use unified on cgroup v1")
    if limits.devices is not None:
        yield from device_writes(limits.devices)
    yield from cpuset_writes(limits.cpu)
    yield from cpu_writes(limits.cpu, read)
    yield from memory_writes(limits.memory, read)
    if limits.pids is not None and limits.pids != 0:
        yield Write("pids", "pids.max", str(limits.pids) if limits.pids > 0 else "max")
    yield from block_io_writes(limits.block_io)
    for size, amount in limits.huge_pages:
        yield Write("hugetlb", f"hugetlb.{size}.limit_in_bytes", str(amount))
    if limits.network_class is not None:
        yield Write("net_cls", "net_cls.classid", str(limits.network_class))
    for interface, priority in limits.network_priorities:
        yield Write("net_prio", "net_prio.ifpriomap", f"{interface} {priority}")
    for device, rdma in limits.rdma:
        yield Write("rdma", "rdma.max", rdma_line(device, rdma.handles, rdma.objects))


def cpuset_writes(cpu: CPULimits) -> Iterator[Write]:
    if cpu.cpus:
        yield Write("cpuset", "cpuset.cpus", cpu.cpus)
    if cpu.mems:
        yield Write("cpuset", "cpuset.mems", cpu.mems)


def cpu_writes(cpu: CPULimits, read: Read) -> Iterator[Write]:
    if cpu.shares:
        yield Write("cpu", "cpu.shares", str(_possible(cpu.shares)))
    if cpu.idle is not None:
        yield Write("cpu", "cpu.idle", str(int(cpu.idle)))
    yield from _quota_writes(cpu, read)
    if cpu.realtime_period:
        yield Write("cpu", "cpu.rt_period_us", str(cpu.realtime_period))
    if cpu.realtime_runtime:
        yield Write("cpu", "cpu.rt_runtime_us", str(cpu.realtime_runtime))


def _possible(shares: int) -> int:
    """The kernel would take any number, and make it one of those that are possible."""
    if shares < LEAST_SHARES:
        raise ValueError(f"the minimum allowed cpu-shares is {LEAST_SHARES}")
    if shares > MOST_SHARES:
        raise ValueError(f"the maximum allowed cpu-shares is {MOST_SHARES}")
    return shares


def _quota_writes(cpu: CPULimits, read: Read) -> Iterator[Write]:
    # The kernel checks each write against the values beside it: quota/period against the
    # parent's share, burst against quota. A burst is in the way of both, so it goes first when
    # it shrinks; a period that shrinks under the old quota would be too large a share.
    burst = [] if cpu.burst is None else [Write("cpu", "cpu.cfs_burst_us", str(cpu.burst))]
    period = [Write("cpu", "cpu.cfs_period_us", str(cpu.period))] if cpu.period else []
    quota = [Write("cpu", "cpu.cfs_quota_us", str(cpu.quota))] if cpu.quota else []
    if period and quota and cpu.period is not None:
        shrinks = cpu.period < int(read("cpu", "cpu.cfs_period_us"))
        both = quota + period if shrinks else period + quota
    else:
        both = period + quota
    if cpu.burst is not None and cpu.burst < int(read("cpu", "cpu.cfs_burst_us")):
        yield from burst + both
    else:
        yield from both + burst


def memory_writes(memory: MemoryLimits, read: Read) -> Iterator[Write]:
    if memory.swappiness is not None and not -1 <= memory.swappiness <= 100:
        raise ValueError(
            f"invalid value: {memory.swappiness}. valid memory swappiness range is 0-100"
        )
    _check_usage(memory, read)
    yield from _limit_and_swap_writes(memory, read)
    if memory.kernel_tcp:
        yield Write("memory", "memory.kmem.tcp.limit_in_bytes", str(memory.kernel_tcp))
    if memory.reservation:
        yield Write("memory", "memory.soft_limit_in_bytes", str(memory.reservation))
    if memory.disable_oom_killer is not None:
        yield Write("memory", "memory.oom_control", str(int(memory.disable_oom_killer)))
    if memory.swappiness is not None and memory.swappiness >= 0:
        yield Write("memory", "memory.swappiness", str(memory.swappiness))


def _limit_and_swap_writes(memory: MemoryLimits, read: Read) -> Iterator[Write]:
    limit, swap = memory.limit, memory.swap
    if limit == -1 and not swap and _has(read, "memory.memsw.limit_in_bytes"):
        swap = -1  # lifting the limit alone would leave memory and swap together limited
    limit_write = Write("memory", "memory.limit_in_bytes", str(limit))
    swap_write = Write("memory", "memory.memsw.limit_in_bytes", str(swap))
    if not limit:
        yield from [swap_write] if swap else []
    elif not swap:
        yield limit_write
    # The kernel refuses limit > memory+swap at any moment, so what grows decides the order.
    elif swap == -1 or int(read("memory", "memory.limit_in_bytes")) < swap:
        yield from (swap_write, limit_write)
    else:
        yield from (limit_write, swap_write)


def _check_usage(memory: MemoryLimits, read: Read) -> None:
    if not memory.check_before_update or not memory.limit or memory.limit < 0:
        return
    usage = int(read("memory", "memory.usage_in_bytes"))
    if usage > memory.limit:
        raise OSError(
            errno.EBUSY,
            f"rejecting memory limit {memory.limit} < usage {usage}",
            "memory.limit_in_bytes",
        )


def _has(read: Read, file: str) -> bool:
    try:
        read("memory", file)
    except FileNotFoundError:
        return False
    return True


def block_io_writes(limits: BlockIOLimits) -> Iterator[Write]:
    if limits.weight:
        yield Write("blkio", "blkio.weight", str(limits.weight), "blkio.bfq.weight")
    for device in limits.device_weights:
        value = f"{device.major}:{device.minor} {device.weight}"
        yield Write("blkio", "blkio.weight_device", value, "blkio.bfq.weight_device")
    for name, rates in (
        ("read_bps", limits.read_bytes),
        ("write_bps", limits.write_bytes),
        ("read_iops", limits.read_operations),
        ("write_iops", limits.write_operations),
    ):
        for rate in rates:
            value = f"{rate.major}:{rate.minor} {rate.rate}"
            yield Write("blkio", f"blkio.throttle.{name}_device", value)


def device_writes(rules: tuple[DeviceRule, ...]) -> Iterator[Write]:
    """The table from scratch: everything, then the exceptions."""
    table = DeviceTable.of(rules)
    everything, exception = (
        ("devices.allow", "devices.deny") if table.allow else ("devices.deny", "devices.allow")
    )
    yield Write("devices", everything, "a")
    for rule in table.exceptions:
        numbers = ":".join("*" if n is None else str(n) for n in (rule.major, rule.minor))
        yield Write("devices", exception, f"{rule.type} {numbers} {rule.access}")


def rdma_line(device: str, handles: int | None, objects: int | None) -> str:
    parts = [device]
    if handles is not None:
        parts.append(f"hca_handle={handles if handles >= 0 else 'max'}")
    if objects is not None:
        parts.append(f"hca_object={objects if objects >= 0 else 'max'}")
    return " ".join(parts)


def reader_of(directories: dict[str, str]) -> Read:
    """Reads the files of one container's directories."""

    def read(controller: str, file: str) -> str:
        path = os.path.join(directories.get(controller, "/nonexistent"), file)
        with open(path, encoding="ascii") as stream:
            return stream.read().strip()

    return read
