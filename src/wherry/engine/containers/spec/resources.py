"""The limits of a container as `linux.resources`."""

from wherry.errors import InvalidArgument
from wherry.linux.blockdev import block_device_number
from wherry.oci.container_config import DeviceRate, DeviceWeight, ResourceLimits
from wherry.oci.runtime_spec import (
    BlockIOLimits,
    CPULimits,
    DeviceRule,
    MemoryLimits,
    PidsLimit,
    Resources,
    ThrottleDevice,
    WeightDevice,
)

_PERIOD = 100_000  # microseconds, over which --cpus counts
_ONE_CPU = 1_000_000_000


def resources_of(limits: ResourceLimits, rules: tuple[DeviceRule, ...]) -> Resources:
    """`linux.resources`; InvalidArgument for a device that a rate is for and that is none."""
    return Resources(
        devices=rules,
        memory=_memory(limits),
        cpu=_cpu(limits),
        pids=_pids(limits.pids_limit),
        block_io=_block_io(limits),
    )


def _memory(limits: ResourceLimits) -> MemoryLimits | None:
    swappiness = limits.memory_swappiness
    memory = MemoryLimits(
        limit=limits.memory or None,
        reservation=limits.memory_reservation or None,
        swap=limits.memory_swap or None,
        swappiness=None if swappiness == -1 else swappiness,
        disable_oom_killer=limits.oom_kill_disable or None,
    )
    return None if memory == MemoryLimits() else memory


def _cpu(limits: ResourceLimits) -> CPULimits | None:
    quota, period = limits.cpu_quota or None, limits.cpu_period or None
    if limits.nano_cpus:
        quota, period = limits.nano_cpus * _PERIOD // _ONE_CPU, _PERIOD
    cpu = CPULimits(
        shares=limits.cpu_shares or None,
        quota=quota,
        period=period,
        realtime_runtime=limits.cpu_realtime_runtime or None,
        realtime_period=limits.cpu_realtime_period or None,
        cpus=limits.cpuset_cpus,
        mems=limits.cpuset_mems,
    )
    return None if cpu == CPULimits() else cpu


def _pids(limit: int | None) -> PidsLimit | None:
    """None and 0 leave it as it is; a negative number is no limit."""
    if not limit:
        return None
    return PidsLimit(limit=max(limit, -1))


def _block_io(limits: ResourceLimits) -> BlockIOLimits | None:
    block_io = BlockIOLimits(
        weight=limits.blkio_weight or None,
        weight_device=tuple(map(_weight, limits.blkio_weight_device)),
        throttle_read_bps_device=_throttles(limits.device_read_bps),
        throttle_write_bps_device=_throttles(limits.device_write_bps),
        throttle_read_iops_device=_throttles(limits.device_read_iops),
        throttle_write_iops_device=_throttles(limits.device_write_iops),
    )
    return None if block_io == BlockIOLimits() else block_io


def _weight(device: DeviceWeight) -> WeightDevice:
    major, minor = _number(device.path)
    return WeightDevice(major=major, minor=minor, weight=device.weight)


def _throttles(rates: tuple[DeviceRate, ...]) -> tuple[ThrottleDevice, ...]:
    found = ((*_number(each.path), each.rate) for each in rates)
    return tuple(
        ThrottleDevice(major=major, minor=minor, rate=rate) for major, minor, rate in found
    )


def _number(path: str) -> tuple[int, int]:
    try:
        return block_device_number(path)
    except OSError as error:
        raise InvalidArgument(f"{path}: {(error.strerror or str(error)).lower()}") from error
