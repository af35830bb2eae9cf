"""Devices of a container: their nodes, and the rules that let it use them."""

import os
import stat
from collections.abc import Iterator

from wherry.engine.containers.options.units import quoted
from wherry.errors import InvalidArgument
from wherry.oci.container_config import ContainerConfig, DeviceMapping
from wherry.oci.runtime_spec import Device, DeviceRule

_NOT_DEVICES = frozenset(("pts", "shm", "fd", "mqueue", ".lxc", ".lxd-mounts", ".udev"))

# Docker's, after everything has been denied. What the OCI runtime adds on top is its own.
_RULES = (
    DeviceRule(allow=False, access="rwm"),
    *(
        DeviceRule(allow=True, type="c", major=major, minor=minor, access="rwm")
        for major, minor in ((1, 5), (1, 3), (1, 9), (1, 8), (5, 0), (5, 1))
    ),
    DeviceRule(allow=False, type="c", major=10, minor=229, access="rwm"),
)


class NoSuchDevice(InvalidArgument):
    def __init__(self, path: str, problem: str) -> None:
        super().__init__(
            f"error gathering device information while adding custom device {quoted(path)}:"
            f" {problem}"
        )


def devices_and_rules(
    config: ContainerConfig,
) -> tuple[tuple[Device, ...], tuple[DeviceRule, ...]]:
    """`linux.devices` and `linux.resources.devices`, or NoSuchDevice."""
    if config.privileged:
        return tuple(_host_devices("/dev")), (DeviceRule(allow=True, access="rwm"),)
    devices: list[Device] = []
    rules = list(_RULES)
    for mapping in config.limits.devices:
        for device in _mapped(mapping):
            devices.append(device)
            rules.append(
                DeviceRule(
                    allow=True,
                    type=device.type,
                    major=device.major,
                    minor=device.minor,
                    access=mapping.cgroup_permissions,
                )
            )
    rules += [_rule(text) for text in config.limits.device_cgroup_rules]
    return tuple(devices), tuple(rules)


def _mapped(mapping: DeviceMapping) -> list[Device]:
    """The device of the mapping, or all below it where it is a folder."""
    source, target = os.path.realpath(mapping.path_on_host), mapping.path_in_container
    try:
        status = os.stat(source)
    except OSError as error:
        raise NoSuchDevice(mapping.path_on_host, (error.strerror or "").lower()) from error
    if stat.S_ISDIR(status.st_mode):
        found = [
            _device(
                os.path.join(target, os.path.relpath(device.path, source)), os.stat(device.path)
            )
            for device in _host_devices(source)
        ]
    else:
        found = [_device(target, status)] if _is_device(status) else []
    if not found:
        raise NoSuchDevice(mapping.path_on_host, "not a device node")
    return found


def _host_devices(folder: str) -> Iterator[Device]:
    """Every device node below `folder` but for those that each container has of its own."""
    with os.scandir(folder) as entries:
        for entry in sorted(entries, key=lambda entry: entry.name):
            if entry.name in _NOT_DEVICES or entry.path == "/dev/console":
                continue
            if entry.is_dir(follow_symlinks=False):
                yield from _host_devices(entry.path)
                continue
            status = entry.stat(follow_symlinks=False)
            if _is_device(status):
                yield _device(entry.path, status)


def _is_device(status: os.stat_result) -> bool:
    return stat.S_ISCHR(status.st_mode) or stat.S_ISBLK(status.st_mode)


def _device(path: str, status: os.stat_result) -> Device:
    return Device(
        type="c" if stat.S_ISCHR(status.st_mode) else "b",
        path=path,
        major=os.major(status.st_rdev),
        minor=os.minor(status.st_rdev),
        file_mode=stat.S_IMODE(status.st_mode),
        uid=status.st_uid,
        gid=status.st_gid,
    )


def _rule(text: str) -> DeviceRule:
    """A --device-cgroup-rule such as `c 1:* rw`, whose form was checked."""
    kind, numbers, access = text.split(" ")
    major, _, minor = numbers.partition(":")
    return DeviceRule(
        allow=True,
        type=kind,
        major=-1 if major == "*" else int(major),
        minor=-1 if minor == "*" else int(minor),
        access=access,
    )
