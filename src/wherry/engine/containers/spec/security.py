"""Confinement: capabilities, what of /proc and /sys is hidden, --security-opt."""

import os
from functools import cache

from wherry.engine.containers.options.units import parse_boolean
from wherry.errors import InvalidArgument
from wherry.go_text import quoted
from wherry.linux import capabilities
from wherry.oci.container_config import ContainerConfig
from wherry.values import dataclass, replace

DEFAULT_CAPABILITIES = (
    "CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FSETID", "CAP_FOWNER", "CAP_MKNOD", "CAP_NET_RAW",
    "CAP_SETGID", "CAP_SETUID", "CAP_SETFCAP", "CAP_SETPCAP", "CAP_NET_BIND_SERVICE",
    "CAP_SYS_CHROOT", "CAP_KILL", "CAP_AUDIT_WRITE",
)  # fmt: skip
MASKED_PATHS = (
    "/proc/asound",
    "/proc/acpi",
    "/proc/interrupts",
    "/proc/kcore",
    "/proc/keys",
    "/proc/latency_stats",
    "/proc/timer_list",
    "/proc/timer_stats",
    "/proc/sched_debug",
    "/proc/scsi",
    "/sys/firmware",
    "/sys/devices/virtual/powercap",
)
READONLY_PATHS = ("/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger")
_APPARMOR_PROFILES = "/sys/kernel/security/apparmor/profiles"
_DEFAULT_APPARMOR_PROFILE = "docker-default"


@dataclass(frozen=True, kw_only=True, slots=True)
class SecurityOptions:
    """--security-opt, read. Labels are SELinux's, which Docker leaves alone by default."""

    no_new_privileges: bool = False
    seccomp: str = ""  # "" and "builtin" are the default profile, "unconfined" none, else JSON
    apparmor: str = ""
    labels: tuple[str, ...] = ()
    writable_cgroups: bool = False


def parse_security_options(texts: tuple[str, ...]) -> SecurityOptions:
    options = SecurityOptions()
    for text in texts:
        if text == "no-new-privileges":
            options = replace(options, no_new_privileges=True)
            continue
        key, separator, value = text.partition("=")
        if not separator:
            key, separator, value = text.partition(":")
        if not separator:
            raise InvalidArgument(f"invalid --security-opt 1: {quoted(text)}")
        options = _with_option(options, key, value, text)
    return options


def _with_option(options: SecurityOptions, key: str, value: str, text: str) -> SecurityOptions:
    if key == "label":
        return replace(options, labels=(*options.labels, value))
    if key == "apparmor":
        return replace(options, apparmor=value)
    if key == "seccomp":
        return replace(options, seccomp=value)
    try:
        if key == "no-new-privileges":
            return replace(options, no_new_privileges=parse_boolean(value))
        if key == "writable-cgroups":
            return replace(options, writable_cgroups=parse_boolean(value))
    except ValueError:
        raise InvalidArgument(f"invalid --security-opt 2: {quoted(text)}") from None
    raise InvalidArgument(f"invalid --security-opt 2: {quoted(text)}")


def normalised_capability(name: str) -> str:
    """`net_admin`, `CAP_NET_ADMIN` and so on as `CAP_NET_ADMIN`; `ALL` stays."""
    name = name.upper()
    return name if name == "ALL" or name.startswith("CAP_") else f"CAP_{name}"


def container_capabilities(config: ContainerConfig) -> tuple[str, ...]:
    """What the container's root may do: Docker's set with what was added and dropped.

    What this process does not hold it cannot give: that is left out.
    """
    held = held_capabilities()
    return tuple(name for name in _wanted_capabilities(config) if name in held)


def missing_capabilities(config: ContainerConfig) -> tuple[str, ...]:
    """What was asked for, by name or with everything else, and is not held here."""
    held = held_capabilities()
    return tuple(
        name
        for name in _wanted_capabilities(config)
        if name not in held and name not in DEFAULT_CAPABILITIES
    )


def _wanted_capabilities(config: ContainerConfig) -> list[str]:
    if config.privileged:
        return known_capabilities()
    added = [normalised_capability(name) for name in config.capabilities_add]
    dropped = [normalised_capability(name) for name in config.capabilities_drop]
    if "ALL" in dropped:
        wanted = known_capabilities() if "ALL" in added else added
    elif "ALL" in added:
        wanted = [name for name in known_capabilities() if name not in dropped]
    else:
        wanted = [name for name in DEFAULT_CAPABILITIES if name not in dropped] + added
    return list(dict.fromkeys(wanted))


@cache
def known_capabilities() -> list[str]:
    """All that the running kernel knows."""
    return capabilities.names_in((1 << capabilities.last_capability() + 1) - 1)


@cache
def held_capabilities() -> tuple[str, ...]:
    bits = capabilities.current().permitted & capabilities.bounding()
    return tuple(capabilities.names_in(bits))


def masked_paths(config: ContainerConfig) -> tuple[str, ...]:
    if config.privileged:
        return ()
    if config.masked_paths is not None:
        return config.masked_paths
    return MASKED_PATHS + _thermal_throttle_paths()


@cache
def _thermal_throttle_paths() -> tuple[str, ...]:
    """Counters of each processor that tell a neighbour's load."""
    root = "/sys/devices/system/cpu"
    try:
        names = sorted(os.listdir(root))
    except OSError:
        return ()
    return tuple(
        path
        for name in names
        if name.startswith("cpu") and name[3:].isdecimal()
        if os.path.isdir(path := f"{root}/{name}/thermal_throttle")
    )


def readonly_paths(config: ContainerConfig) -> tuple[str, ...]:
    if config.privileged:
        return ()
    return READONLY_PATHS if config.readonly_paths is None else config.readonly_paths


def apparmor_profile(config: ContainerConfig, options: SecurityOptions) -> str:
    """The profile to confine the process with; "" where the kernel has none for us."""
    loaded = _loaded_apparmor_profiles()
    if options.apparmor and options.apparmor != "unconfined":
        if options.apparmor not in loaded:
            raise InvalidArgument(f"apparmor profile {quoted(options.apparmor)} is not loaded")
        return options.apparmor
    if options.apparmor or config.privileged:
        return "unconfined" if loaded else ""
    return _DEFAULT_APPARMOR_PROFILE if _DEFAULT_APPARMOR_PROFILE in loaded else ""


def _loaded_apparmor_profiles() -> frozenset[str]:
    try:
        with open(_APPARMOR_PROFILES) as file:
            return frozenset(line.rpartition(" (")[0] for line in file)
    except OSError:
        return frozenset()
