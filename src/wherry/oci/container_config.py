"""What a container is asked to be: Docker's Config, HostConfig and NetworkingConfig as values.

The command line and the API each make a `ContainerConfig` from their input; the engine
completes it from the image; the store keeps it; the shim reads what it needs of it to start
the container again. Docker's names for these fields are in `wherry.engine.documents`.
"""

from enum import Enum

from wherry.values import dataclass, field

SECOND = 1_000_000_000  # durations of health checks are in nanoseconds, as Docker stores them


class RestartPolicyName(Enum):
    NO = "no"
    ON_FAILURE = "on-failure"
    ALWAYS = "always"
    UNLESS_STOPPED = "unless-stopped"


@dataclass(frozen=True, kw_only=True, slots=True)
class RestartPolicy:
    name: RestartPolicyName = RestartPolicyName.NO
    maximum_retry_count: int = 0  # 0 is no bound; of on-failure only


class HealthFailureAction(Enum):
    """What the supervisor does when a container turns unhealthy; Podman's --health-on-failure."""

    NONE = "none"
    KILL = "kill"
    RESTART = "restart"
    STOP = "stop"


@dataclass(frozen=True, kw_only=True, slots=True)
class Healthcheck:
    """`test` is Docker's: ("NONE",), ("CMD", arg...), ("CMD-SHELL", text); () inherits the image's.

    Durations in nanoseconds; 0 means the default.
    """

    test: tuple[str, ...] = ()
    interval: int = 0
    timeout: int = 0
    start_period: int = 0
    start_interval: int = 0
    retries: int = 0
    on_failure: HealthFailureAction = HealthFailureAction.NONE


@dataclass(frozen=True, kw_only=True, slots=True)
class LogConfig:
    driver: str = ""  # "" takes the engine's default
    options: dict[str, str] = field(default_factory=dict)


class MountType(Enum):
    BIND = "bind"
    VOLUME = "volume"
    TMPFS = "tmpfs"
    IMAGE = "image"


@dataclass(frozen=True, kw_only=True, slots=True)
class MountRequest:
    """One -v, --mount, --tmpfs or VOLUME of the image. A volume without a source is anonymous."""

    type: MountType
    target: str
    source: str = ""
    read_only: bool = False
    propagation: str = ""  # bind: rprivate, rshared, ...
    recursive: str = ""  # bind-recursive: enabled, disabled, writable, readonly
    consistency: str = ""  # of Docker Desktop: kept for inspect, it means nothing here
    map_owner: bool = False  # bind: its owner is the container's user, inside
    create_source: bool = False  # -v makes a missing host folder, --mount refuses it
    no_copy: bool = False  # volume-nocopy
    subpath: str = ""  # volume-subpath, image-subpath
    volume_driver: str = ""
    volume_options: dict[str, str] = field(default_factory=dict)
    volume_labels: dict[str, str] = field(default_factory=dict)
    tmpfs_size: int = 0
    tmpfs_mode: int | None = None
    tmpfs_options: str = ""  # --tmpfs /path:options, as written
    relabel: str = ""  # z or Z
    mode: str = ""  # the options of -v as written; inspect shows them
    from_mount_flag: bool = False  # inspect lists --mount under HostConfig.Mounts, -v under Binds


@dataclass(frozen=True, kw_only=True, slots=True)
class PortBinding:
    """One published port. `host_port` is as written: "", "8080" or a range "8080-8090"."""

    container_port: int
    protocol: str = "tcp"
    host_ip: str = ""
    host_port: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class NetworkAttachment:
    """One network to join, and how."""

    network: str
    ipv4_address: str = ""
    ipv6_address: str = ""
    mac_address: str = ""
    aliases: tuple[str, ...] = ()
    links: tuple[str, ...] = ()
    link_local_ips: tuple[str, ...] = ()
    driver_options: dict[str, str] = field(default_factory=dict)
    gateway_priority: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class DeviceMapping:
    path_on_host: str
    path_in_container: str
    cgroup_permissions: str = "rwm"


@dataclass(frozen=True, kw_only=True, slots=True)
class DeviceRate:
    path: str
    rate: int  # bytes or operations a second


@dataclass(frozen=True, kw_only=True, slots=True)
class DeviceWeight:
    path: str
    weight: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Ulimit:
    name: str
    soft: int
    hard: int


@dataclass(frozen=True, kw_only=True, slots=True)
class ResourceLimits:
    """Docker's Resources. 0, None or "" is unset; bytes, microseconds, -1 unlimited as there."""

    memory: int = 0
    memory_reservation: int = 0
    memory_swap: int = 0
    memory_swappiness: int | None = None
    oom_kill_disable: bool = False
    nano_cpus: int = 0
    cpu_shares: int = 0
    cpu_period: int = 0
    cpu_quota: int = 0
    cpu_realtime_period: int = 0
    cpu_realtime_runtime: int = 0
    cpuset_cpus: str = ""
    cpuset_mems: str = ""
    pids_limit: int | None = None
    blkio_weight: int = 0
    blkio_weight_device: tuple[DeviceWeight, ...] = ()
    device_read_bps: tuple[DeviceRate, ...] = ()
    device_write_bps: tuple[DeviceRate, ...] = ()
    device_read_iops: tuple[DeviceRate, ...] = ()
    device_write_iops: tuple[DeviceRate, ...] = ()
    devices: tuple[DeviceMapping, ...] = ()
    device_cgroup_rules: tuple[str, ...] = ()
    ulimits: tuple[Ulimit, ...] = ()
    cgroup_parent: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class ContainerConfig:
    """Everything a container is made from, apart from its name."""

    image: str  # as the user named it
    platform: str = ""

    # Docker's Config. None means "not given: take the image's"; () and "" clear it.
    entrypoint: tuple[str, ...] | None = None
    command: tuple[str, ...] | None = None
    env: tuple[str, ...] = ()
    working_dir: str = ""
    user: str = ""
    hostname: str = ""
    domainname: str = ""
    tty: bool = False
    open_stdin: bool = False
    stdin_once: bool = False
    attach_stdin: bool = False
    attach_stdout: bool = False
    attach_stderr: bool = False
    labels: dict[str, str] = field(default_factory=dict)
    annotations: dict[str, str] = field(default_factory=dict)
    stop_signal: str = ""
    stop_timeout: int | None = None  # seconds; None is the default of 10
    exposed_ports: tuple[str, ...] = ()  # "80/tcp"
    image_volumes: tuple[str, ...] = ()  # -v /path without a source, and VOLUME
    healthcheck: Healthcheck | None = None
    # What a container only keeps: for images that are made of it, and for who looks at it.
    shell: tuple[str, ...] | None = None
    on_build: tuple[str, ...] = ()
    args_escaped: bool = False
    network_disabled: bool = False  # another word for the mode none

    # Docker's HostConfig.
    container_id_file: str = ""  # where the client has written the ID
    mounts: tuple[MountRequest, ...] = ()
    volumes_from: tuple[str, ...] = ()
    volume_driver: str = ""
    restart_policy: RestartPolicy = field(default_factory=RestartPolicy)
    auto_remove: bool = False
    log: LogConfig = field(default_factory=LogConfig)
    limits: ResourceLimits = field(default_factory=ResourceLimits)
    privileged: bool = False
    capabilities_add: tuple[str, ...] = ()
    capabilities_drop: tuple[str, ...] = ()
    security_options: tuple[str, ...] = ()
    group_add: tuple[str, ...] = ()
    read_only: bool = False
    sysctls: dict[str, str] = field(default_factory=dict)
    shm_size: int = 0
    oom_score_adj: int = 0
    init: bool | None = None
    runtime: str = ""  # "" is our own; otherwise the name or path of an OCI runtime
    pid_mode: str = ""
    ipc_mode: str = ""
    uts_mode: str = ""
    user_namespace_mode: str = ""
    cgroup_namespace_mode: str = ""
    isolation: str = ""  # "default" says the same
    storage_options: dict[str, str] = field(default_factory=dict)
    masked_paths: tuple[str, ...] | None = None  # None: Docker's list
    readonly_paths: tuple[str, ...] | None = None

    # Networking.
    network_mode: str = "default"  # default, bridge, none, host, container:ID, a network's name
    networks: tuple[NetworkAttachment, ...] = ()
    ports: tuple[PortBinding, ...] = ()
    publish_all: bool = False
    dns: tuple[str, ...] = ()
    dns_options: tuple[str, ...] = ()
    dns_search: tuple[str, ...] = ()
    extra_hosts: tuple[str, ...] = ()
    links: tuple[str, ...] = ()
    mac_address: str = ""

    console_size: tuple[int, ...] = ()  # rows, columns

    @property
    def attachments(self) -> tuple[NetworkAttachment, ...]:
        """The networks that the container is to be on.

        `networks` has one without a name where the container has left its last one.
        """
        if not self.networks:
            return (NetworkAttachment(network=self.network_mode),)
        return tuple(attachment for attachment in self.networks if attachment.network)
