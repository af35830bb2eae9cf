"""Devices of the host in the container: nodes to make, and rules of the device cgroup."""

import os
import stat
from collections.abc import Iterator

from wherry.errors import InvalidArgument
from wherry.go_text import reason
from wherry.oci.container_config import ContainerConfig, DeviceMapping
from wherry.oci.runtime_spec import Device, DeviceRule

# Docker's list; what every container needs the runtime adds by itself.
_DEFAULT_RULES = (
    DeviceRule(allow=False, access="rwm"),
    DeviceRule(allow=True, type="c", major=1, minor=5, access="rwm"),
    DeviceRule(allow=True, type="c", major=1, minor=3, access="rwm"),
    DeviceRule(allow=True, type="c", major=1, minor=9, access="rwm"),
    DeviceRule(allow=True, type="c", major=1, minor=8, access="rwm"),
    DeviceRule(allow=True, type="c", major=5, minor=0, access="rwm"),
    DeviceRule(allow=True, type="c", major=5, minor=1, access="rwm"),
    DeviceRule(allow=False, type="c", major=10, minor=229, access="rwm"),
)
_NOT_SHOWN = frozenset(("pts", "shm", "fd", "mqueue", ".lxc", ".lxd-mounts", ".udev"))


class DeviceUnavailable(InvalidArgument):
    def __init__(self, path: str, problem: str) -> None:
        super().__init__(
            f'error gathering device information while adding custom device "{path}": {problem}'
        )


def container_devices(
    config: ContainerConfig,
) -> tuple[tuple[Device, ...], tuple[DeviceRule, ...]]:
    """The nodes to make besides the usual ones, and all rules in order."""
    if config.privileged:
        devices = list(_host_devices())
        for mapping in config.limits.devices:
            devices += [device for device, _ in _mapped(mapping)]
        return tuple(devices), (DeviceRule(allow=True, access="rwm"),)
    pairs = [pair for mapping in config.limits.devices for pair in _mapped(mapping)]
    rules = [rule for _, rule in pairs]
    rules += [_parsed_rule(text) for text in config.limits.device_cgroup_rules]
    return tuple(device for device, _ in pairs), (*_DEFAULT_RULES, *rules)


def _mapped(mapping: DeviceMapping) -> Iterator[tuple[Device, DeviceRule]]:
    """One device, or all those below a directory."""
    source, inside = mapping.path_on_host, mapping.path_in_container
    try:
        status = os.stat(source)
    except OSError as error:
        raise DeviceUnavailable(source, reason(error)) from error
    if stat.S_ISDIR(status.st_mode):
        resolved = os.path.realpath(source)
        found = [
            (device, os.path.join(inside, os.path.relpath(device.path, resolved)))
            for device in _devices_below(resolved)
        ]
    else:
        device = _device(source, status)
        found = [] if device is None else [(device, inside)]
    if not found:
        raise DeviceUnavailable(source, "not a device node")
    for device, path in found:
        yield (
            _placed(device, path),
            DeviceRule(
                allow=True,
                type=device.type,
                major=device.major,
                minor=device.minor,
                access=mapping.cgroup_permissions,
            ),
        )


def _placed(device: Device, path: str) -> Device:
    return Device(
        type=device.type,
        path=path,
        major=device.major,
        minor=device.minor,
        file_mode=device.file_mode,
        uid=device.uid,
        gid=device.gid,
    )


def _host_devices() -> Iterator[Device]:
    """Everything in /dev that a privileged container also gets."""
    yield from (device for device in _devices_below("/dev") if device.path != "/dev/console")


def _devices_below(folder: str) -> Iterator[Device]:
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError:
        return
    for entry in entries:
        if entry.is_dir(follow_symlinks=False):
            if entry.name not in _NOT_SHOWN:
                yield from _devices_below(entry.path)
        elif not entry.is_symlink():
            try:
                device = _device(entry.path, entry.stat(follow_symlinks=False))
            except FileNotFoundError:
                continue  # unplugged meanwhile
            if device is not None:
                yield device


def _device(path: str, status: os.stat_result) -> Device | None:
    if stat.S_ISCHR(status.st_mode):
        kind = "c"
    elif stat.S_ISBLK(status.st_mode):
        kind = "b"
    else:
        return None
    return Device(
        type=kind,
        path=path,
        major=os.major(status.st_rdev),
        minor=os.minor(status.st_rdev),
        file_mode=stat.S_IMODE(status.st_mode),
        uid=status.st_uid,
        gid=status.st_gid,
    )


def _parsed_rule(text: str) -> DeviceRule:
    """`c 1:3 rwm`, checked when it was read."""
    kind, numbers, access = text.split(" ")
    major, _, minor = numbers.partition(":")
    return DeviceRule(
        allow=True,
        type=kind,
        major=_number_or_any(major),
        minor=_number_or_any(minor),
        access=access,
    )


def _number_or_any(text: str) -> int | None:
    return None if text == "*" else int(text)
