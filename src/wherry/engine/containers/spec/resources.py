"""Limits of the configuration as the cgroup's and the process's."""

from wherry.engine.containers.options.resources import RLIMITS
from wherry.errors import InvalidArgument
from wherry.go_text import reason
from wherry.linux.blockdev import block_device_number
from wherry.oci.container_config import DeviceRate, DeviceWeight, ResourceLimits
from wherry.oci.runtime_spec import (
    BlockIOLimits,
    CPULimits,
    DeviceRule,
    MemoryLimits,
    PidsLimit,
    Resources,
    Rlimit,
    ThrottleDevice,
    WeightDevice,
)

CPU_PERIOD = 100_000  # microseconds; --cpus is a quota over it
_UNLIMITED = (1 << 64) - 1


def spec_resources(limits: ResourceLimits, rules: tuple[DeviceRule, ...] = ()) -> Resources:
    return Resources(
        devices=rules,
        memory=memory_limits(limits),
        cpu=cpu_limits(limits),
        pids=pids_limit(limits),
        block_io=block_io_limits(limits),
    )


def memory_limits(limits: ResourceLimits) -> MemoryLimits | None:
    memory = MemoryLimits(
        limit=limits.memory or None,
        reservation=limits.memory_reservation or None,
        swap=limits.memory_swap or None,
        swappiness=limits.memory_swappiness,
        disable_oom_killer=True if limits.oom_kill_disable else None,
    )
    return None if memory == MemoryLimits() else memory


def cpu_limits(limits: ResourceLimits) -> CPULimits | None:
    quota, period = limits.cpu_quota or None, limits.cpu_period or None
    if limits.nano_cpus:
        period = CPU_PERIOD
        quota = limits.nano_cpus * CPU_PERIOD // 1_000_000_000
    cpu = CPULimits(
        shares=limits.cpu_shares or None,
        quota=quota,
        period=period,
        realtime_period=limits.cpu_realtime_period or None,
        realtime_runtime=limits.cpu_realtime_runtime or None,
        cpus=limits.cpuset_cpus,
        mems=limits.cpuset_mems,
    )
    return None if cpu == CPULimits() else cpu


def pids_limit(limits: ResourceLimits) -> PidsLimit | None:
    """0 and less lift the limit."""
    if limits.pids_limit is None:
        return None
    return PidsLimit(limit=limits.pids_limit if limits.pids_limit > 0 else -1)


def block_io_limits(limits: ResourceLimits) -> BlockIOLimits | None:
    block_io = BlockIOLimits(
        weight=limits.blkio_weight or None,
        weight_device=tuple(map(_weight, limits.blkio_weight_device)),
        throttle_read_bps_device=tuple(map(_rate, limits.device_read_bps)),
        throttle_write_bps_device=tuple(map(_rate, limits.device_write_bps)),
        throttle_read_iops_device=tuple(map(_rate, limits.device_read_iops)),
        throttle_write_iops_device=tuple(map(_rate, limits.device_write_iops)),
    )
    return None if block_io == BlockIOLimits() else block_io


def _weight(device: DeviceWeight) -> WeightDevice:
    major, minor = _numbers(device.path)
    return WeightDevice(major=major, minor=minor, weight=device.weight)


def _rate(device: DeviceRate) -> ThrottleDevice:
    major, minor = _numbers(device.path)
    return ThrottleDevice(major=major, minor=minor, rate=device.rate)


def _numbers(path: str) -> tuple[int, int]:
    try:
        return block_device_number(path)
    except OSError as error:
        raise InvalidArgument(f"stat {path}: {reason(error)}") from error


def rlimits(limits: ResourceLimits) -> tuple[Rlimit, ...]:
    return tuple(
        Rlimit(type=RLIMITS[limit.name], soft=_value(limit.soft), hard=_value(limit.hard))
        for limit in limits.ulimits
    )


def _value(number: int) -> int:
    return _UNLIMITED if number < 0 else number
