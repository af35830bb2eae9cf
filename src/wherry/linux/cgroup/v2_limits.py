"""Limits as writes to the files of cgroup v2.

The OCI configuration speaks v1; what v2 has on another scale is converted as runc does
(https://github.com/opencontainers/runtime-spec/blob/v1.2.0/config-linux.md#unified,
cgroup-v2.rst), so that a container has the same share under either runtime.
"""

import errno
from collections.abc import Callable, Iterator

from wherry.linux.cgroup.limits import BlockIOLimits, CPULimits, Limits, MemoryLimits
from wherry.linux.cgroup.v1_limits import rdma_line
from wherry.values import dataclass

Read = Callable[[str], str]  # FileNotFoundError where the cgroup has not got the controller


@dataclass(frozen=True)
class Write:
    file: str
    value: str
    # Where the kernel lacks the file, the value has this meaning already (no swap, say).
    optional: bool = False


def writes(limits: Limits, read: Read) -> Iterator[Write]:
    """What to write for `limits`, the device filter aside, which is a program."""
    _check_unified(limits)
    if limits.pids:
        yield Write("pids.max", _or_max(limits.pids))
    yield from memory_writes(limits.memory, read)
    yield from block_io_writes(limits.block_io, read)
    yield from cpu_writes(limits.cpu, read)
    for size, amount in limits.huge_pages:
        yield Write(f"hugetlb.{size}.max", _or_max(amount))
        # Reservations count from mmap on, so that a program is refused there and not killed later.
        yield Write(f"hugetlb.{size}.rsvd.max", _or_max(amount), optional=True)
    if limits.network_class is not None or limits.network_priorities:
        raise ValueError("invalid configuration: network classes and priorities need cgroup v1")
    for device, rdma in limits.rdma:
        yield Write("rdma.max", rdma_line(device, rdma.handles, rdma.objects))
    for file, value in limits.unified:
        for line in value.splitlines() or [""]:  # a file takes one line at a time
            yield Write(file, line)


def _check_unified(limits: Limits) -> None:
    for file, _ in limits.unified:
        if "/" in file or file in ("", ".", "..") or "\0" in file:
            raise ValueError(f"unified resource {file!r} must be a file name (no slashes)")


def _or_max(value: int) -> str:
    return "max" if value < 0 else str(value)


def memory_writes(memory: MemoryLimits, read: Read) -> Iterator[Write]:
    if memory.check_before_update and memory.limit and memory.limit > 0:
        usage = int(read("memory.current"))
        if usage > memory.limit:
            text = f"rejecting memory limit {memory.limit} < usage {usage}"
            raise OSError(errno.EBUSY, text, "memory.max")
    swap = swap_alone(memory)
    if swap is not None:
        # Without swap in the kernel there is no such file, and none or endless is as true.
        yield Write("memory.swap.max", _or_max(swap), optional=swap in (0, -1))
    if memory.limit:
        yield Write("memory.max", _or_max(memory.limit))
    if memory.reservation:
        yield Write("memory.low", _or_max(memory.reservation))
    # v2 has no counterpart of swappiness, kernel memory and a switched off OOM killer; runc
    # leaves them out too, and the engine says so when they are asked for.


def swap_alone(memory: MemoryLimits) -> int | None:
    """v2's limit of swap alone, from v1's of memory and swap together; `None` to leave it."""
    limit, swap = memory.limit, memory.swap
    if limit == -1 and not swap:
        return -1
    if not swap:
        return None
    if swap == -1:
        return -1
    if not limit or limit == -1:
        raise ValueError("unable to set swap limit without memory limit")
    if swap < limit:
        raise ValueError("memory+swap limit should be >= memory limit")
    return swap - limit


def cpu_writes(cpu: CPULimits, read: Read) -> Iterator[Write]:
    if cpu.idle is not None:
        yield Write("cpu.idle", str(int(cpu.idle)))
    if cpu.shares and not cpu.idle:  # an idle cgroup has no weight: EINVAL
        yield Write("cpu.weight", str(weight_of_shares(cpu.shares)))
    shrinks = cpu.burst is not None and cpu.burst < int(read("cpu.max.burst") or 0)
    if cpu.burst is not None and shrinks:
        yield Write("cpu.max.burst", str(cpu.burst))
    if cpu.quota or cpu.period:
        yield Write("cpu.max", _quota_line(cpu, read))
    if cpu.burst is not None and not shrinks:
        yield Write("cpu.max.burst", str(cpu.burst))
    if cpu.realtime_period or cpu.realtime_runtime:
        raise ValueError("invalid configuration: real-time CPU limits need cgroup v1")
    if cpu.cpus:
        yield Write("cpuset.cpus", cpu.cpus)
    if cpu.mems:
        yield Write("cpuset.mems", cpu.mems)


def _quota_line(cpu: CPULimits, read: Read) -> str:
    # One line holds both, so an update of one keeps the other.
    quota, period = read("cpu.max").split()
    if cpu.quota:
        quota = _or_max(cpu.quota)
    return f"{quota} {cpu.period or period}"


def weight_of_shares(shares: int) -> int:
    """v2's 1 to 10000 from v1's 2 to 262144."""
    return 1 + (min(max(shares, 2), 262144) - 2) * 9999 // 262142


def weight_of_block_io(weight: int) -> int:
    """v2's 1 to 10000 from v1's 10 to 1000."""
    return 1 + (weight - 10) * 9999 // 990


def block_io_writes(limits: BlockIOLimits, read: Read) -> Iterator[Write]:
    has_bfq = _has(read, "io.bfq.weight")
    if limits.weight:
        if has_bfq:
            yield Write("io.bfq.weight", str(limits.weight))
        else:
            yield Write("io.weight", str(weight_of_block_io(limits.weight)))
    for device in limits.device_weights:
        file, weight = (
            ("io.bfq.weight", device.weight)
            if has_bfq
            else ("io.weight", weight_of_block_io(device.weight))
        )
        yield Write(file, f"{device.major}:{device.minor} {weight}")
    for key, rates in (
        ("rbps", limits.read_bytes),
        ("wbps", limits.write_bytes),
        ("riops", limits.read_operations),
        ("wiops", limits.write_operations),
    ):
        for rate in rates:
            yield Write("io.max", f"{rate.major}:{rate.minor} {key}={rate.rate or 'max'}")


def _has(read: Read, file: str) -> bool:
    try:
        read(file)
    except FileNotFoundError:
        return False
    return True
