"""What `inspect` says of a container: Docker's ContainerInspect and its HostConfig."""

from contextlib import suppress
from typing import TYPE_CHECKING

from wherry.engine.containers.root import top_layer
from wherry.engine.containers.spec.security import masked_paths, readonly_paths
from wherry.engine.documents.container_network import network_settings
from wherry.oci.container_config import (
    ContainerConfig,
    DeviceRate,
    Healthcheck,
    HealthFailureAction,
    MountRequest,
    MountType,
    ResourceLimits,
)
from wherry.store.containers import Container, MountPoint, State, Status
from wherry.store.layers import NoSuchLayer
from wherry.store.snapshots import lower_folders

if TYPE_CHECKING:
    from wherry.engine.engine import Engine

Document = dict[str, object]

# How inspect shows --mount's bind-recursive.
_RECURSION = {
    "disabled": "NonRecursive",
    "writable": "ReadOnlyNonRecursive",
    "readonly": "ReadOnlyForceRecursive",
}


def container_document(engine: "Engine", container: Container) -> Document:
    """Everything but the sizes, which cost a walk over its files."""
    folder = str(engine.store.container_folder(container.id))
    config = container.config
    logs_to_file = config.log.driver in ("json-file", "")
    return {
        "Id": container.id,
        "Created": container.created,
        "Path": container.details.path,
        "Args": list(container.details.args),
        "State": state_document(container.state),
        "Image": container.image_id,
        "ResolvConfPath": f"{folder}/resolv.conf",
        "HostnamePath": f"{folder}/hostname",
        "HostsPath": f"{folder}/hosts",
        "LogPath": f"{folder}/{container.id}-json.log" if logs_to_file else "",
        "Name": f"/{container.name}",
        "RestartCount": container.state.restart_count,
        "Driver": "overlay2",
        "Platform": "linux",
        "MountLabel": "",
        "ProcessLabel": "",
        "AppArmorProfile": "",
        "ExecIDs": None,
        "HostConfig": host_config_document(config, container.name),
        "GraphDriver": {"Data": _overlay_folders(engine, container), "Name": "overlay2"},
        "Mounts": [mount_point_document(point) for point in container.details.mounts],
        "Config": config_document(container),
        "NetworkSettings": network_settings(engine, container),
    }


def _overlay_folders(engine: "Engine", container: Container) -> Document:
    folder = str(engine.store.container_folder(container.id))
    data = {"ID": container.id}
    with suppress(NoSuchLayer):  # damaged, which must not hide the rest
        lower = lower_folders(engine.store, top_layer(container))
        data["LowerDir"] = ":".join(map(str, lower))
    if container.state.pid:
        # It is mounted in the container's own namespace alone; there it can be seen.
        data["MergedDir"] = f"/proc/{container.state.pid}/root"
    return {**data, "UpperDir": f"{folder}/upper", "WorkDir": f"{folder}/work"}


def state_document(state: State) -> Document:
    status = state.status
    document: Document = {
        "Status": status.value,
        "Running": status.has_shim,  # Docker counts one that restarts as running
        "Paused": status is Status.PAUSED,
        "Restarting": status is Status.RESTARTING,
        "OOMKilled": state.oom_killed,
        "Dead": status is Status.DEAD,
        "Pid": state.pid,
        "ExitCode": state.exit_code,
        "Error": state.error,
        "StartedAt": state.started_at,
        "FinishedAt": state.finished_at,
    }
    if state.health is not None and state.health.status != "none":
        document["Health"] = {
            "Status": state.health.status,
            "FailingStreak": state.health.failing_streak,
            "Log": [
                {
                    "Start": result.start,
                    "End": result.end,
                    "ExitCode": result.exit_code,
                    "Output": result.output,
                }
                for result in state.health.log
            ],
        }
    return document


def mount_point_document(point: MountPoint) -> Document:
    document: Document = {"Type": point.type}
    if point.name:
        document["Name"] = point.name
    document |= {"Source": point.source, "Destination": point.destination}
    if point.driver:
        document["Driver"] = point.driver
    return document | {
        "Mode": point.mode,
        "RW": point.writable,
        "Propagation": point.propagation,
    }


def config_document(container: Container) -> Document:
    """Docker's Config: what belongs to the image's kind of thing rather than to this host."""
    config = container.config
    document: Document = {
        "Hostname": config.hostname,
        "Domainname": config.domainname,
        "User": config.user,
        "AttachStdin": config.attach_stdin,
        "AttachStdout": config.attach_stdout,
        "AttachStderr": config.attach_stderr,
    }
    exposed = _exposed_ports(config)
    if exposed:
        document["ExposedPorts"] = {port: {} for port in exposed}
    document |= {
        "Tty": config.tty,
        "OpenStdin": config.open_stdin,
        "StdinOnce": config.stdin_once,
        "Env": list(config.env),
        "Cmd": _list_or_none(config.command),
    }
    if config.healthcheck is not None:
        document["Healthcheck"] = _healthcheck_document(config.healthcheck)
    document |= {
        "Image": config.image,
        "Volumes": {path: {} for path in config.image_volumes} or None,
        "WorkingDir": config.working_dir,
        "Entrypoint": _list_or_none(config.entrypoint),
        "OnBuild": list(config.on_build) or None,
        "Labels": dict(config.labels),
    }
    return document | _optional_words(config)


def _optional_words(config: ContainerConfig) -> Document:
    """Of Config what Docker leaves out where nothing was said."""
    parts: Document = {
        "ArgsEscaped": config.args_escaped,
        "NetworkDisabled": config.network_disabled,
        "MacAddress": _asked_mac_address(config),
        "StopSignal": config.stop_signal,
        "Shell": list(config.shell or ()),
    }
    found = {key: value for key, value in parts.items() if value}
    if config.stop_timeout is not None:
        found["StopTimeout"] = config.stop_timeout
    return found


def _asked_mac_address(config: ContainerConfig) -> str:
    """The one that was asked for on the network of the mode, as clients before 1.44 read it."""
    mode = config.network_mode
    return next((each.mac_address for each in config.networks if each.network == mode), "")


def _exposed_ports(config: ContainerConfig) -> list[str]:
    published = (f"{binding.container_port}/{binding.protocol}" for binding in config.ports)
    return sorted({*config.exposed_ports, *published})


def _healthcheck_document(check: Healthcheck) -> Document:
    document: Document = {"Test": list(check.test)} if check.test else {}
    for key, value in (
        ("Interval", check.interval),
        ("Timeout", check.timeout),
        ("StartPeriod", check.start_period),
        ("StartInterval", check.start_interval),
        ("Retries", check.retries),
    ):
        if value:
            document[key] = value
    if check.on_failure is not HealthFailureAction.NONE:
        document["OnFailure"] = check.on_failure.value
    return document


def _list_or_none(words: tuple[str, ...] | None) -> list[str] | None:
    return None if words is None else list(words)


def host_config_document(config: ContainerConfig, name: str) -> Document:
    """Docker's HostConfig of the container called `name`: what depends on this host."""
    document: Document = {
        "Binds": [_bind_text(mount) for mount in config.mounts if _is_bind(mount)] or None,
        "ContainerIDFile": config.container_id_file,
        "LogConfig": {"Type": config.log.driver, "Config": dict(config.log.options)},
        "NetworkMode": config.network_mode,
        "PortBindings": _port_bindings(config),
        "RestartPolicy": {
            "Name": config.restart_policy.name.value,
            "MaximumRetryCount": config.restart_policy.maximum_retry_count,
        },
        "AutoRemove": config.auto_remove,
        "VolumeDriver": config.volume_driver,
        "VolumesFrom": list(config.volumes_from) or None,
        "ConsoleSize": list(config.console_size) or [0, 0],
        "CapAdd": list(config.capabilities_add) or None,
        "CapDrop": list(config.capabilities_drop) or None,
        "CgroupnsMode": config.cgroup_namespace_mode,
        "Dns": list(config.dns),
        "DnsOptions": list(config.dns_options),
        "DnsSearch": list(config.dns_search),
        "ExtraHosts": list(config.extra_hosts) or None,
        "GroupAdd": list(config.group_add) or None,
        "IpcMode": config.ipc_mode,
        "Cgroup": "",
        "Links": [_link_text(link, name) for link in config.links] or None,
        "OomScoreAdj": config.oom_score_adj,
        "PidMode": config.pid_mode,
        "Privileged": config.privileged,
        "PublishAllPorts": config.publish_all,
        "ReadonlyRootfs": config.read_only,
        "SecurityOpt": list(config.security_options) or None,
        "UTSMode": config.uts_mode,
        "UsernsMode": config.user_namespace_mode,
        "ShmSize": config.shm_size,
        "Runtime": config.runtime or "runc",
        "Isolation": config.isolation,
        **_limits_document(config.limits),
        "MaskedPaths": None if config.privileged else list(masked_paths(config)),
        "ReadonlyPaths": None if config.privileged else list(readonly_paths(config)),
    }
    return document | _optional_parts(config)


def _optional_parts(config: ContainerConfig) -> Document:
    """What Docker leaves out where nothing was said."""
    parts: Document = {
        "Mounts": [_mount_document(mount) for mount in config.mounts if mount.from_mount_flag],
        "Tmpfs": {
            mount.target: mount.tmpfs_options
            for mount in config.mounts
            if mount.type is MountType.TMPFS and not mount.from_mount_flag
        },
        "Sysctls": dict(config.sysctls),
        "Annotations": dict(config.annotations),
        "StorageOpt": dict(config.storage_options),
    }
    found = {key: value for key, value in parts.items() if value}
    if config.init is not None:
        found["Init"] = config.init
    return found


def _is_bind(mount: MountRequest) -> bool:
    return not mount.from_mount_flag and mount.type in (MountType.BIND, MountType.VOLUME)


def _bind_text(mount: MountRequest) -> str:
    return ":".join(part for part in (mount.source, mount.target, mount.mode) if part)


def _mount_document(mount: MountRequest) -> Document:
    document: Document = {"Type": mount.type.value}
    if mount.source:
        document["Source"] = mount.source
    document["Target"] = mount.target
    if mount.read_only:
        document["ReadOnly"] = True
    if mount.consistency:
        document["Consistency"] = mount.consistency
    options: Document = {}
    if mount.type is MountType.BIND:
        options = _bind_options(mount)
    elif mount.type is MountType.TMPFS:
        if mount.tmpfs_size:
            options["SizeBytes"] = mount.tmpfs_size
        if mount.tmpfs_mode is not None:
            options["Mode"] = mount.tmpfs_mode
        if mount.tmpfs_options:
            options["Options"] = [[word] for word in mount.tmpfs_options.split(",")]
    elif mount.type is MountType.IMAGE:
        if mount.subpath:
            options["Subpath"] = mount.subpath
    elif mount.type is MountType.VOLUME:
        if mount.no_copy:
            options["NoCopy"] = True
        if mount.volume_labels:
            options["Labels"] = dict(mount.volume_labels)
        if mount.subpath:
            options["Subpath"] = mount.subpath
        driver: Document = {}
        if mount.volume_driver:
            driver["Name"] = mount.volume_driver
        if mount.volume_options:
            driver["Options"] = dict(mount.volume_options)
        if options or driver:
            options["DriverConfig"] = driver
    if options:
        document[f"{mount.type.value.capitalize()}Options"] = options
    return document


def _link_text(link: str, name: str) -> str:
    target, _, alias = link.partition(":")
    target = target.removeprefix("/")
    return f"/{target}:/{name}/{alias or target}"


def _bind_options(mount: MountRequest) -> Document:
    options: Document = {}
    if mount.propagation:
        options["Propagation"] = mount.propagation
    shown = _RECURSION.get(mount.recursive)
    if shown:
        options[shown] = True
    if mount.create_source:
        options["CreateMountpoint"] = True
    return options


def _port_bindings(config: ContainerConfig) -> dict[str, list[Document]]:
    bindings: dict[str, list[Document]] = {}
    for binding in config.ports:
        bindings.setdefault(f"{binding.container_port}/{binding.protocol}", []).append(
            {"HostIp": binding.host_ip, "HostPort": binding.host_port}
        )
    return bindings


def _limits_document(limits: ResourceLimits) -> Document:
    return {
        "CpuShares": limits.cpu_shares,
        "Memory": limits.memory,
        "NanoCpus": limits.nano_cpus,
        "CgroupParent": limits.cgroup_parent,
        "BlkioWeight": limits.blkio_weight,
        "BlkioWeightDevice": [
            {"Path": device.path, "Weight": device.weight} for device in limits.blkio_weight_device
        ],
        "BlkioDeviceReadBps": _rates(limits.device_read_bps),
        "BlkioDeviceWriteBps": _rates(limits.device_write_bps),
        "BlkioDeviceReadIOps": _rates(limits.device_read_iops),
        "BlkioDeviceWriteIOps": _rates(limits.device_write_iops),
        "CpuPeriod": limits.cpu_period,
        "CpuQuota": limits.cpu_quota,
        "CpuRealtimePeriod": limits.cpu_realtime_period,
        "CpuRealtimeRuntime": limits.cpu_realtime_runtime,
        "CpusetCpus": limits.cpuset_cpus,
        "CpusetMems": limits.cpuset_mems,
        "Devices": [
            {
                "PathOnHost": device.path_on_host,
                "PathInContainer": device.path_in_container,
                "CgroupPermissions": device.cgroup_permissions,
            }
            for device in limits.devices
        ],
        "DeviceCgroupRules": list(limits.device_cgroup_rules) or None,
        "DeviceRequests": None,
        "MemoryReservation": limits.memory_reservation,
        "MemorySwap": limits.memory_swap,
        "MemorySwappiness": limits.memory_swappiness,
        "OomKillDisable": limits.oom_kill_disable,
        "PidsLimit": limits.pids_limit,
        "Ulimits": [
            {"Name": limit.name, "Hard": limit.hard, "Soft": limit.soft} for limit in limits.ulimits
        ],
        "CpuCount": 0,
        "CpuPercent": 0,
        "IOMaximumIOps": 0,
        "IOMaximumBandwidth": 0,
    }


def _rates(rates: tuple[DeviceRate, ...]) -> list[Document]:
    return [{"Path": rate.path, "Rate": rate.rate} for rate in rates]
