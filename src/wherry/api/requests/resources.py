"""Docker's Resources: limits and devices, of POST create and update."""

from wherry.api.fields import Fields
from wherry.engine.containers.options.devices import is_device_mode, parse_device_rule
from wherry.engine.containers.options.resources import RLIMITS
from wherry.errors import InvalidArgument
from wherry.oci.container_config import (
    DeviceMapping,
    DeviceRate,
    DeviceWeight,
    ResourceLimits,
    Ulimit,
)


def read_resources(fields: Fields) -> ResourceLimits:
    swappiness = fields.optional_integer("MemorySwappiness")
    return ResourceLimits(
        memory=fields.integer("Memory"),
        memory_reservation=fields.integer("MemoryReservation"),
        memory_swap=fields.integer("MemorySwap"),
        memory_swappiness=None if swappiness == -1 else swappiness,
        oom_kill_disable=fields.flag("OomKillDisable"),
        nano_cpus=fields.integer("NanoCpus"),
        cpu_shares=fields.integer("CpuShares"),
        cpu_period=fields.integer("CpuPeriod"),
        cpu_quota=fields.integer("CpuQuota"),
        cpu_realtime_period=fields.integer("CpuRealtimePeriod"),
        cpu_realtime_runtime=fields.integer("CpuRealtimeRuntime"),
        cpuset_cpus=fields.text("CpusetCpus"),
        cpuset_mems=fields.text("CpusetMems"),
        pids_limit=fields.optional_integer("PidsLimit"),
        blkio_weight=fields.integer("BlkioWeight", 17),
        blkio_weight_device=tuple(
            DeviceWeight(path=each.text("Path"), weight=each.integer("Weight", 17))
            for each in fields.objects("BlkioWeightDevice")
        ),
        device_read_bps=_rates(fields, "BlkioDeviceReadBps"),
        device_write_bps=_rates(fields, "BlkioDeviceWriteBps"),
        device_read_iops=_rates(fields, "BlkioDeviceReadIOps"),
        device_write_iops=_rates(fields, "BlkioDeviceWriteIOps"),
        devices=tuple(map(_device, fields.objects("Devices"))),
        device_cgroup_rules=tuple(map(_rule, fields.texts("DeviceCgroupRules"))),
        ulimits=read_ulimits(fields, "Ulimits"),
        cgroup_parent=fields.text("CgroupParent"),
    )


def _rates(fields: Fields, key: str) -> tuple[DeviceRate, ...]:
    return tuple(
        DeviceRate(path=each.text("Path"), rate=each.integer("Rate"))
        for each in fields.objects(key)
    )


def _device(fields: Fields) -> DeviceMapping:
    source = fields.text("PathOnHost")
    inside = fields.text("PathInContainer") or source
    permissions = fields.text("CgroupPermissions") or "rwm"
    for path in (source, inside):
        if not path.startswith("/"):
            raise InvalidArgument(f"{path} is not an absolute path")
    if not is_device_mode(permissions):
        raise InvalidArgument(f"bad mode specified: {permissions}")
    return DeviceMapping(
        path_on_host=source, path_in_container=inside, cgroup_permissions=permissions
    )


def _rule(text: str) -> str:
    try:
        return parse_device_rule(text)
    except ValueError as error:
        raise InvalidArgument(str(error)) from error


def read_ulimits(fields: Fields, key: str) -> tuple[Ulimit, ...]:
    return tuple(map(_ulimit, fields.objects(key)))


def _ulimit(fields: Fields) -> Ulimit:
    name = fields.text("Name").lower().removeprefix("rlimit_")
    if name not in RLIMITS:
        raise InvalidArgument(f"invalid ulimit type: {name}")
    soft, hard = fields.integer("Soft"), fields.integer("Hard")
    if hard != -1 and (soft > hard or soft == -1):
        raise InvalidArgument(
            f"ulimit soft limit must be less than or equal to hard limit: {soft} > {hard}"
        )
    return Ulimit(name=name, soft=soft, hard=hard)
