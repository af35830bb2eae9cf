"""The structs of Docker's client whose fields print in an order of their own: {a b {c d}}.

A struct inside a struct without a name of its own prints in braces, and its fields belong to the
outer one as well: `.HostConfig.Memory` is `.HostConfig.Resources.Memory`.
"""

from collections.abc import Iterator, Mapping

Shape = tuple[str | tuple[str, tuple[str, ...]], ...]  # fields; (name, fields) of one embedded

_RESOURCES = (
    *("CpuShares", "Memory", "NanoCpus", "CgroupParent", "BlkioWeight", "BlkioWeightDevice"),
    *("BlkioDeviceReadBps", "BlkioDeviceWriteBps", "BlkioDeviceReadIOps", "BlkioDeviceWriteIOps"),
    *("CpuPeriod", "CpuQuota", "CpuRealtimePeriod", "CpuRealtimeRuntime"),
    *("CpusetCpus", "CpusetMems", "Devices", "DeviceCgroupRules", "DeviceRequests"),
    *("KernelMemory", "KernelMemoryTCP", "MemoryReservation", "MemorySwap", "MemorySwappiness"),
    *("OomKillDisable", "PidsLimit", "Ulimits"),
    *("CpuCount", "CpuPercent", "IOMaximumIOps", "IOMaximumBandwidth"),
)
SHAPES: Mapping[str, Shape] = {
    "Config": (
        *("Hostname", "Domainname", "User", "AttachStdin", "AttachStdout", "AttachStderr"),
        *("ExposedPorts", "Tty", "OpenStdin", "StdinOnce", "Env", "Cmd", "Healthcheck"),
        *("ArgsEscaped", "Image", "Volumes", "WorkingDir", "Entrypoint", "NetworkDisabled"),
        *("MacAddress", "OnBuild", "Labels", "StopSignal", "StopTimeout", "Shell"),
    ),
    "HostConfig": (
        *("Binds", "ContainerIDFile", "LogConfig", "NetworkMode", "PortBindings"),
        *("RestartPolicy", "AutoRemove", "VolumeDriver", "VolumesFrom", "ConsoleSize"),
        *("Annotations", "CapAdd", "CapDrop", "CgroupnsMode", "Dns", "DnsOptions", "DnsSearch"),
        *("ExtraHosts", "GroupAdd", "IpcMode", "Cgroup", "Links", "OomScoreAdj", "PidMode"),
        *("Privileged", "PublishAllPorts", "ReadonlyRootfs", "SecurityOpt", "StorageOpt"),
        *("Tmpfs", "UTSMode", "UsernsMode", "ShmSize", "Sysctls", "Runtime", "Isolation"),
        ("Resources", _RESOURCES),
        *("Mounts", "MaskedPaths", "ReadonlyPaths", "Init"),
    ),
    "Healthcheck": ("Test", "Interval", "Timeout", "StartPeriod", "StartInterval", "Retries"),
    "NetworkSettings": (
        (
            "NetworkSettingsBase",
            (
                *("Bridge", "SandboxID", "SandboxKey", "Ports", "HairpinMode"),
                *("LinkLocalIPv6Address", "LinkLocalIPv6PrefixLen"),
                *("SecondaryIPAddresses", "SecondaryIPv6Addresses"),
            ),
        ),
        (
            "DefaultNetworkSettings",
            (
                *("EndpointID", "Gateway", "GlobalIPv6Address", "GlobalIPv6PrefixLen"),
                *("IPAddress", "IPPrefixLen", "IPv6Gateway", "MacAddress"),
            ),
        ),
        "Networks",
    ),
    "Networks item": (
        *("IPAMConfig", "Links", "Aliases", "MacAddress", "DriverOpts", "GwPriority"),
        *("NetworkID", "EndpointID", "Gateway", "IPAddress", "IPPrefixLen", "IPv6Gateway"),
        *("GlobalIPv6Address", "GlobalIPv6PrefixLen", "DNSNames"),
    ),
    "Mounts": ("Type", "Name", "Source", "Destination", "Driver", "Mode", "RW", "Propagation"),
    "HostConfig Mounts": (
        *("Type", "Source", "Target", "ReadOnly", "Consistency", "BindOptions", "VolumeOptions"),
        *("ImageOptions", "TmpfsOptions", "ClusterOptions"),
    ),
    "volume": (
        *("ClusterVolume", "CreatedAt", "Driver", "Labels", "Mountpoint", "Name", "Options"),
        *("Scope", "Status", "UsageData"),
    ),
    "IPAM Config": ("Subnet", "IPRange", "Gateway", "AuxiliaryAddresses"),
    "image Config": (
        (
            "ImageConfig",
            (
                *("User", "ExposedPorts", "Env", "Entrypoint", "Cmd", "Volumes", "WorkingDir"),
                *("Labels", "StopSignal", "ArgsEscaped"),
            ),
        ),
        ("DockerOCIImageConfigExt", ("Healthcheck", "OnBuild", "Shell")),
    ),
}


def names_in(shape: Shape) -> Iterator[str]:
    """The fields of a struct, those of embedded ones in their places."""
    for part in shape:
        if isinstance(part, tuple):
            yield from part[1]
        else:
            yield part
