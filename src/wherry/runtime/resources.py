"""`linux.resources` of the runtime configuration as limits of a cgroup."""

from wherry.errors import InvalidArgument
from wherry.linux.cgroup.limits import (
    BlockIOLimits,
    CPULimits,
    DeviceRate,
    DeviceRule,
    DeviceWeight,
    Limits,
    MemoryLimits,
    RdmaLimits,
)
from wherry.linux.cgroup.manager import CgroupManager
from wherry.oci import runtime_spec as spec

# What every container may use besides the rules of its configuration, as with runc (whose
# older releases also allow 10:200, the tun device, which newer ones do not): making nodes, which
# only with a rule of its own can be opened, and the devices of config-linux.md#default-devices.
DEFAULT_DEVICES = (
    DeviceRule(allow=True, type="c", access="m"),
    DeviceRule(allow=True, type="b", access="m"),
    *(
        DeviceRule(allow=True, type="c", major=major, minor=minor)
        for major, minor in ((1, 3), (1, 5), (1, 7), (1, 8), (1, 9), (5, 0), (5, 2), (136, None))
    ),
)


class LimitsRefused(InvalidArgument):
    """Limits that the kernel did not take, in runc's words."""


def apply_resources(
    manager: CgroupManager, resources: spec.Resources, *, with_devices: bool = True
) -> None:
    """Set the limits of `resources` on a cgroup, or raise LimitsRefused."""
    try:
        manager.apply(limits_of(resources, with_devices=with_devices))
    except ValueError as error:
        raise LimitsRefused(str(error)) from error
    except OSError as error:
        raise LimitsRefused(_refusal(error)) from error


def _refusal(error: OSError) -> str:
    reason = (error.strerror or str(error)).lower()
    for note in getattr(error, "__notes__", ()):  # 'failed to write "99"'
        return f"{note}: write {error.filename}: {reason}"
    return error.strerror or str(error)


def limits_of(resources: spec.Resources, *, with_devices: bool = True) -> Limits:
    """`resources` as limits. `with_devices=False` leaves the device filter as it is: an update
    does, and so does a caller who may not set one."""
    return Limits(
        memory=_memory(resources.memory or spec.MemoryLimits()),
        cpu=_cpu(resources.cpu or spec.CPULimits()),
        pids=resources.pids.limit if resources.pids else None,
        block_io=_block_io(resources.block_io or spec.BlockIOLimits()),
        huge_pages=tuple((page.page_size, page.limit) for page in resources.hugepage_limits),
        network_class=resources.network.class_id if resources.network else None,
        network_priorities=_network_priorities(resources.network),
        rdma=tuple(
            (device, RdmaLimits(handles=limit.hca_handles, objects=limit.hca_objects))
            for device, limit in resources.rdma.items()
        ),
        unified=tuple(resources.unified.items()),
        devices=_devices(resources.devices) if with_devices else None,
    )


def _memory(memory: spec.MemoryLimits) -> MemoryLimits:
    # `kernel` is left out: kernels from 5.16 on have no limit of kernel memory alone.
    return MemoryLimits(
        limit=memory.limit,
        reservation=memory.reservation,
        swap=memory.swap,
        kernel_tcp=memory.kernel_tcp,
        swappiness=memory.swappiness,
        disable_oom_killer=memory.disable_oom_killer,
        check_before_update=bool(memory.check_before_update),
    )


def _cpu(cpu: spec.CPULimits) -> CPULimits:
    return CPULimits(
        shares=cpu.shares,
        quota=cpu.quota,
        period=cpu.period,
        burst=cpu.burst,
        realtime_runtime=cpu.realtime_runtime,
        realtime_period=cpu.realtime_period,
        cpus=cpu.cpus,
        mems=cpu.mems,
        idle=None if cpu.idle is None else bool(cpu.idle),
    )


def _block_io(block_io: spec.BlockIOLimits) -> BlockIOLimits:
    # Leaf weights went with the CFQ scheduler in Linux 5.0.
    return BlockIOLimits(
        weight=block_io.weight,
        device_weights=tuple(
            DeviceWeight(major=device.major, minor=device.minor, weight=device.weight)
            for device in block_io.weight_device
            if device.weight is not None
        ),
        read_bytes=_rates(block_io.throttle_read_bps_device),
        write_bytes=_rates(block_io.throttle_write_bps_device),
        read_operations=_rates(block_io.throttle_read_iops_device),
        write_operations=_rates(block_io.throttle_write_iops_device),
    )


def _rates(devices: tuple[spec.ThrottleDevice, ...]) -> tuple[DeviceRate, ...]:
    return tuple(
        DeviceRate(major=device.major, minor=device.minor, rate=device.rate) for device in devices
    )


def _network_priorities(network: spec.NetworkLimits | None) -> tuple[tuple[str, int], ...]:
    if network is None:
        return ()
    return tuple((priority.name, priority.priority) for priority in network.priorities)


def _devices(rules: tuple[spec.DeviceRule, ...]) -> tuple[DeviceRule, ...]:
    return (*map(_device, rules), *DEFAULT_DEVICES)


def _device(rule: spec.DeviceRule) -> DeviceRule:
    return DeviceRule(
        allow=rule.allow,
        type=rule.type or "a",
        major=_number(rule.major),
        minor=_number(rule.minor),
        access=rule.access or "rwm",
    )


def _number(number: int | None) -> int | None:
    return None if number in (None, -1) else number
