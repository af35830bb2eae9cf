"""Limits: --memory and its kin, --cpus and its kin, --blkio-*, --pids-limit, --ulimit."""

from wherry.engine.containers.options.devices import parse_device, parse_device_rule
from wherry.engine.containers.options.units import (
    parse_cpus,
    parse_integer,
    parse_size,
    parse_swap_size,
    parse_unsigned,
)
from wherry.engine.containers.options.values import Options
from wherry.errors import InvalidArgument
from wherry.oci.container_config import DeviceRate, DeviceWeight, ResourceLimits, Ulimit

RLIMITS = {
    "as": "RLIMIT_AS",
    "core": "RLIMIT_CORE",
    "cpu": "RLIMIT_CPU",
    "data": "RLIMIT_DATA",
    "fsize": "RLIMIT_FSIZE",
    "locks": "RLIMIT_LOCKS",
    "memlock": "RLIMIT_MEMLOCK",
    "msgqueue": "RLIMIT_MSGQUEUE",
    "nice": "RLIMIT_NICE",
    "nofile": "RLIMIT_NOFILE",
    "nproc": "RLIMIT_NPROC",
    "rss": "RLIMIT_RSS",
    "rtprio": "RLIMIT_RTPRIO",
    "rttime": "RLIMIT_RTTIME",
    "sigpending": "RLIMIT_SIGPENDING",
    "stack": "RLIMIT_STACK",
}


def read_limits(options: Options) -> ResourceLimits:
    return ResourceLimits(
        memory=options.size("memory", parse_size),
        memory_reservation=options.size("memory_reservation", parse_size),
        memory_swap=options.size("memory_swap", parse_swap_size),
        memory_swappiness=_swappiness(options),
        oom_kill_disable=options.flag("oom_kill_disable"),
        nano_cpus=_nano_cpus(options),
        cpu_shares=options.integer("cpu_shares"),
        cpu_period=options.integer("cpu_period"),
        cpu_quota=options.integer("cpu_quota"),
        cpu_realtime_period=options.integer("cpu_rt_period"),
        cpu_realtime_runtime=options.integer("cpu_rt_runtime"),
        cpuset_cpus=options.text("cpuset_cpus"),
        cpuset_mems=options.text("cpuset_mems"),
        pids_limit=options.integer("pids_limit") if options.has("pids_limit") else None,
        blkio_weight=options.parsed("blkio_weight", lambda text: parse_unsigned(text, 16), 0),
        blkio_weight_device=tuple(
            options.all_parsed("blkio_weight_device", parse_device_weight, ":")
        ),
        device_read_bps=_rates(options, "device_read_bps"),
        device_write_bps=_rates(options, "device_write_bps"),
        device_read_iops=_rates(options, "device_read_iops"),
        device_write_iops=_rates(options, "device_write_iops"),
        devices=tuple(parse_device(text) for text in options.texts("device", ":")),
        device_cgroup_rules=tuple(options.all_parsed("device_cgroup_rule", parse_device_rule)),
        ulimits=read_ulimits(options),
        cgroup_parent=options.text("cgroup_parent"),
    )


def _swappiness(options: Options) -> int | None:
    if not options.has("memory_swappiness"):
        return None
    value = options.integer("memory_swappiness")
    if value == -1:
        return None
    if not 0 <= value <= 100:
        raise InvalidArgument(f"invalid value: {value}. Valid memory swappiness range is 0-100")
    return value


def _nano_cpus(options: Options) -> int:
    """A number counts CPUs, as the flag's text does."""
    return options.parsed("cpus", parse_cpus, 0)


def _rates(options: Options, name: str) -> tuple[DeviceRate, ...]:
    parse = parse_device_bytes if name.endswith("bps") else parse_device_operations
    return tuple(options.all_parsed(name, parse, ":"))


def _device_and_number(text: str) -> tuple[str, str]:
    path, colon, number = text.partition(":")
    if not colon or ":" in number or not path:
        raise ValueError(f"bad format: {text}")
    if not path.startswith("/dev/"):
        raise ValueError(f"bad format for device path: {text}")
    return path, number


def parse_device_weight(text: str) -> DeviceWeight:
    path, number = _device_and_number(text)
    try:
        weight = parse_unsigned(number, 16)
    except ValueError:
        weight = -1
    if weight != 0 and not 10 <= weight <= 1000:
        raise ValueError(f"invalid weight for device: {text}")
    return DeviceWeight(path=path, weight=weight)


def parse_device_bytes(text: str) -> DeviceRate:
    path, number = _device_and_number(text)
    try:
        rate = parse_size(number)
    except ValueError:
        raise ValueError(
            f"invalid rate for device: {text}. The correct format is <device-path>:<number>"
            "[<unit>]. Number must be a positive integer. Unit is optional and can be kb, mb, or gb"
        ) from None
    return DeviceRate(path=path, rate=rate)


def parse_device_operations(text: str) -> DeviceRate:
    path, number = _device_and_number(text)
    try:
        rate = parse_unsigned(number)
    except ValueError:
        raise ValueError(
            f"invalid rate for device: {text}. The correct format is <device-path>:<number>."
            " Number must be a positive integer"
        ) from None
    return DeviceRate(path=path, rate=rate)


def read_ulimits(options: Options) -> tuple[Ulimit, ...]:
    """The last one of each name, sorted by name as inspect shows them."""
    limits = {limit.name: limit for limit in options.all_parsed("ulimit", parse_ulimit)}
    return tuple(limits[name] for name in sorted(limits))


def parse_ulimit(text: str) -> Ulimit:
    """`nofile=1024:2048`, `core=-1`; the hard limit is the soft one where it is not given."""
    name, equals, values = text.partition("=")
    if not equals:
        raise ValueError(f"invalid ulimit argument: {text}")
    if name not in RLIMITS:
        raise ValueError(f"invalid ulimit type: {name}")
    parts = values.split(":")
    if len(parts) > 2:
        raise ValueError(
            f"too many limit value arguments - {values}, can only have up to two, `soft[:hard]`"
        )
    soft = _limit(parts[0])
    hard = _limit(parts[1]) if len(parts) == 2 else soft
    if hard != -1 and (soft > hard or soft == -1):
        shown = f"{soft} > {hard}" if soft > hard else f"soft: -1 (unlimited), hard: {hard}"
        raise ValueError(f"ulimit soft limit must be less than or equal to hard limit: {shown}")
    return Ulimit(name=name, soft=soft, hard=hard)


def _limit(text: str) -> int:
    value = parse_integer(text)
    return -1 if value < 0 else value
