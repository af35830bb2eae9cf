"""The limits of a container as properties of its scope, systemd.resource-control(5).

systemd writes what it knows of a unit into the unit's cgroup whenever it thinks fit, such as after
`systemctl daemon-reload`. What it is not told of is then set back to its default.
"""

import re
from collections.abc import Mapping

from wherry.errors import InvalidArgument
from wherry.linux.cgroup.v2_limits import swap_alone, weight_of_block_io, weight_of_shares
from wherry.linux.dbus_values import Variant
from wherry.linux.gvariant import parse_value
from wherry.linux.systemd import INFINITY, Properties
from wherry.oci.runtime_spec import Resources
from wherry.runtime.init.process import parse_numbers
from wherry.runtime.resources import limits_of

ANNOTATION = "org.systemd.property."
_NAME = re.compile(r"[a-zA-Z]{3,}")
_SECOND = 1_000_000  # microseconds
_PERCENT = _SECOND // 100


def limit_properties(resources: Resources, version: int) -> dict[str, Variant]:
    """What `resources` name, as far as units have it on cgroup `version`."""
    limits = limits_of(resources, with_devices=False)
    memory, cpu = limits.memory, limits.cpu
    found: dict[str, Variant] = {}

    def limit(name: str, value: int | None) -> None:
        if value:
            found[name] = Variant("t", INFINITY if value < 0 else value)

    limit("MemoryMax", memory.limit)
    limit("TasksMax", limits.pids)
    if cpu.period:
        found["CPUQuotaPeriodUSec"] = Variant("t", cpu.period)
    if cpu.quota or cpu.period:
        found["CPUQuotaPerSecUSec"] = Variant("t", _quota(cpu.quota, cpu.period or 100_000))
    if version == 1:
        limit("CPUShares", cpu.shares)
        return found
    limit("MemoryLow", memory.reservation)
    swap = swap_alone(memory)
    if swap is not None:
        found["MemorySwapMax"] = Variant("t", INFINITY if swap < 0 else swap)
    if cpu.idle:
        found["CPUWeight"] = Variant("t", 0)
    elif cpu.shares:
        found["CPUWeight"] = Variant("t", weight_of_shares(cpu.shares))
    for name, text in (("AllowedCPUs", cpu.cpus), ("AllowedMemoryNodes", cpu.mems)):
        if text:
            found[name] = Variant("ay", _mask(name, text))
    if limits.block_io.weight:
        found["IOWeight"] = Variant("t", weight_of_block_io(limits.block_io.weight))
    return found


def _quota(quota: int | None, period: int) -> int:
    """Microseconds in each second, in whole percents, as systemd keeps it: never below."""
    if not quota or quota < 0:
        return INFINITY
    return -(-quota * _SECOND // (period * _PERCENT)) * _PERCENT


def _mask(name: str, text: str) -> bytes:
    """A list of numbers as bits, the lowest first."""
    try:
        bits = sum(1 << number for number in parse_numbers(text))
    except ValueError:
        raise InvalidArgument(f"{name}: {text!r} is not a list of numbers") from None
    return bits.to_bytes(bits.bit_length() // 8 + 1, "little")


def asked_properties(annotations: Mapping[str, str]) -> Properties:
    """Annotations such as org.systemd.property.CollectMode='inactive-or-failed', as runc's.

    A value is in GVariant's text format; a name in Sec may give seconds for systemd's USec.
    """
    found: dict[str, Variant] = {}
    for key, text in annotations.items():
        name = key.removeprefix(ANNOTATION)
        if name == key:
            continue
        if not _NAME.fullmatch(name):
            raise InvalidArgument(f"annotation {key}: not a name of a property")
        try:
            value = parse_value(text)
            if name.endswith("Sec") and not name.endswith("USec"):
                name, value = f"{name.removesuffix('Sec')}USec", _in_microseconds(value)
        except ValueError as error:
            raise InvalidArgument(f"annotation {key}={text}: {error}") from None
        found[name] = value
    return found


def _in_microseconds(value: Variant) -> Variant:
    if value.signature == "d" and isinstance(value.value, float):
        return Variant("t", int(value.value * _SECOND))
    if value.signature in "nqiuxt" and isinstance(value.value, int):
        return Variant("t", value.value * _SECOND)
    raise ValueError("not a number of seconds")
