"""Checks of limits against each other and against the machine, in Docker's words."""

import os
from pathlib import Path

from wherry.engine.containers.options.resources import RLIMITS
from wherry.errors import InvalidArgument, Unsupported
from wherry.oci.container_config import ResourceLimits

MINIMUM_MEMORY = 6 << 20
_CPU_LIST = Path("/sys/devices/system/cpu/online")
_NODE_LIST = Path("/sys/devices/system/node/online")
_ONE_CPU = 1_000_000_000


def check_limits(limits: ResourceLimits, *, update: bool = False) -> None:
    _check_memory(limits, update)
    _check_cpu(limits)
    _check_set("cpus", "CPUs", limits.cpuset_cpus, _CPU_LIST)
    _check_set("mems", "memory nodes", limits.cpuset_mems, _NODE_LIST)
    if limits.blkio_weight and not 10 <= limits.blkio_weight <= 1000:
        raise InvalidArgument("Range of blkio weight is from 10 to 1000")
    for ulimit in limits.ulimits:
        if ulimit.name not in RLIMITS:
            raise InvalidArgument(f"invalid ulimit type: {ulimit.name}")


def _check_memory(limits: ResourceLimits, update: bool) -> None:
    memory, swap, reservation = limits.memory, limits.memory_swap, limits.memory_reservation
    if memory != 0 and memory < MINIMUM_MEMORY:
        raise InvalidArgument("Minimum memory limit allowed is 6MB")
    if memory > 0 and 0 < swap < memory:
        raise InvalidArgument(
            "Minimum memoryswap limit should be larger than memory limit, see usage"
        )
    if memory == 0 and swap > 0 and not update:
        raise InvalidArgument(
            "You should always set the Memory limit when using Memoryswap limit, see usage"
        )
    if swap < -1:
        raise InvalidArgument(f"invalid memory swap: {swap}")
    if limits.memory_swappiness is not None and not 0 <= limits.memory_swappiness <= 100:
        raise InvalidArgument(
            f"Invalid value: {limits.memory_swappiness}, valid memory swappiness range is 0-100"
        )
    if reservation != 0 and reservation < MINIMUM_MEMORY:
        raise InvalidArgument("Minimum memory reservation allowed is 6MB")
    if 0 < memory < reservation:
        raise InvalidArgument(
            "Minimum memory limit can not be less than memory reservation limit, see usage"
        )


def _check_cpu(limits: ResourceLimits) -> None:
    if limits.cpu_shares < 0:
        raise InvalidArgument(
            f"invalid CPU shares ({limits.cpu_shares}): value must be a positive integer"
        )
    if limits.nano_cpus > 0 and limits.cpu_period > 0:
        raise InvalidArgument("Conflicting options: Nano CPUs and CPU Period cannot both be set")
    if limits.nano_cpus > 0 and limits.cpu_quota > 0:
        raise InvalidArgument("Conflicting options: Nano CPUs and CPU Quota cannot both be set")
    cpus = os.cpu_count() or 1
    if limits.nano_cpus < 0 or limits.nano_cpus > cpus * _ONE_CPU:
        raise InvalidArgument(
            f"range of CPUs is from 0.01 to {cpus}.00, as there are only {cpus} CPUs available"
        )
    if limits.cpu_period != 0 and not 1_000 <= limits.cpu_period <= 1_000_000:
        raise InvalidArgument(
            "CPU cfs period can not be less than 1ms (i.e. 1000) or larger than 1s (i.e. 1000000)"
        )
    if 0 < limits.cpu_quota < 1_000:
        raise InvalidArgument("CPU cfs quota can not be less than 1ms (i.e. 1000)")
    if limits.cpu_realtime_period or limits.cpu_realtime_runtime:
        _check_realtime(limits)


def _check_realtime(limits: ResourceLimits) -> None:
    # The file is of cgroup v1 alone, and of kernels with CONFIG_RT_GROUP_SCHED.
    if not os.path.exists("/sys/fs/cgroup/cpu/cpu.rt_runtime_us"):
        raise Unsupported("kernel does not support CPU real-time scheduler")
    if limits.cpu_realtime_period and limits.cpu_realtime_runtime > limits.cpu_realtime_period:
        raise InvalidArgument("cpu real-time runtime cannot be higher than cpu real-time period")


def _check_set(flag: str, noun: str, text: str, available_file: Path) -> None:
    if not text:
        return
    try:
        wanted = parse_number_list(text)
    except ValueError as error:
        raise InvalidArgument(f"Invalid value {text} for cpuset {flag}: {error}") from None
    try:
        available = available_file.read_text().strip()
    except OSError:
        return  # a kernel without NUMA has no list of nodes; the cgroup will judge
    if not wanted <= parse_number_list(available):
        raise InvalidArgument(
            f"Requested {noun} are not available - requested {text}, available: {available}"
        )


def parse_number_list(text: str) -> set[int]:
    """`0-2,4` as a set; ValueError with Docker's words."""
    numbers: set[int] = set()
    for part in text.split(","):
        first, dash, last = part.partition("-")
        if not first.isdecimal() or (dash and not last.isdecimal()):
            raise ValueError(f"invalid format: {text}")
        if max(len(first), len(last)) > 5:
            raise ValueError(f"value of {part} is out of range")
        end = int(last) if dash else int(first)
        if end < int(first):
            raise ValueError(f"invalid format: {text}")
        numbers.update(range(int(first), end + 1))
    return numbers
