"""The OCI runtime configuration, `config.json` of a bundle.

https://github.com/opencontainers/runtime-spec/blob/v1.2.0/config.md and config-linux.md; the
names are the specification's in snake_case. Read and written by `wherry.oci.codec`.
"""

from wherry.typed import Any
from wherry.values import dataclass, field

VERSION = "1.2.0"  # of what is written here, which older runtimes are given as well
NEWEST = "1.3.0"  # that is understood


def _key(name: str, *, always: bool = False, **options: Any) -> Any:
    return field(metadata={"json": name, "always": always}, **options)


@dataclass(frozen=True, kw_only=True, slots=True)
class User:
    uid: int = _key("uid", default=0, always=True)
    gid: int = _key("gid", default=0, always=True)
    umask: int | None = None
    additional_gids: tuple[int, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class ConsoleSize:
    height: int
    width: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Capabilities:
    bounding: tuple[str, ...] = ()
    effective: tuple[str, ...] = ()
    inheritable: tuple[str, ...] = ()
    permitted: tuple[str, ...] = ()
    ambient: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Rlimit:
    type: str
    soft: int
    hard: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Scheduler:
    policy: str
    nice: int = 0
    priority: int = 0
    flags: tuple[str, ...] = ()
    runtime: int = 0
    deadline: int = 0
    period: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class IOPriority:
    class_: str = _key("class")
    priority: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class CPUAffinity:
    """Lists of processors, as in cpuset(7), for a process that joins: before it is in its cgroup,
    and after."""

    initial: str = ""
    final: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Process:
    cwd: str
    args: tuple[str, ...] = ()
    env: tuple[str, ...] = ()
    terminal: bool = False
    console_size: ConsoleSize | None = None
    user: User = field(default_factory=User)
    capabilities: Capabilities | None = None
    rlimits: tuple[Rlimit, ...] = ()
    no_new_privileges: bool = False
    apparmor_profile: str = ""
    selinux_label: str = ""
    oom_score_adj: int | None = None
    scheduler: Scheduler | None = None
    io_priority: IOPriority | None = _key("ioPriority", default=None)
    exec_cpu_affinity: CPUAffinity | None = _key("execCPUAffinity", default=None)


@dataclass(frozen=True, kw_only=True, slots=True)
class Root:
    path: str
    readonly: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class IDMapping:
    container_id: int = _key("containerID")
    host_id: int = _key("hostID")
    size: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Mount:
    destination: str
    type: str = ""
    source: str = ""
    options: tuple[str, ...] = ()
    uid_mappings: tuple[IDMapping, ...] = ()
    gid_mappings: tuple[IDMapping, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Hook:
    path: str
    args: tuple[str, ...] = ()
    env: tuple[str, ...] = ()
    timeout: int | None = None  # seconds


@dataclass(frozen=True, kw_only=True, slots=True)
class Hooks:
    prestart: tuple[Hook, ...] = ()
    create_runtime: tuple[Hook, ...] = ()
    create_container: tuple[Hook, ...] = ()
    start_container: tuple[Hook, ...] = ()
    poststart: tuple[Hook, ...] = ()
    poststop: tuple[Hook, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Namespace:
    """`type` is pid, network, mount, ipc, uts, user, cgroup or time; an empty path makes one."""

    type: str
    path: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Device:
    type: str
    path: str
    major: int = 0
    minor: int = 0
    file_mode: int | None = None
    uid: int | None = None
    gid: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class DeviceRule:
    allow: bool
    type: str = ""
    major: int | None = None
    minor: int | None = None
    access: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class MemoryLimits:
    """Bytes; -1 is unlimited."""

    limit: int | None = None
    reservation: int | None = None
    swap: int | None = None  # memory and swap together
    kernel: int | None = None
    kernel_tcp: int | None = _key("kernelTCP", default=None)
    swappiness: int | None = None
    disable_oom_killer: bool | None = _key("disableOOMKiller", default=None)
    use_hierarchy: bool | None = None
    check_before_update: bool | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class CPULimits:
    """Periods and quotas in microseconds."""

    shares: int | None = None
    quota: int | None = None
    burst: int | None = None
    period: int | None = None
    realtime_runtime: int | None = None
    realtime_period: int | None = None
    cpus: str = ""
    mems: str = ""
    idle: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class PidsLimit:
    limit: int


@dataclass(frozen=True, kw_only=True, slots=True)
class WeightDevice:
    major: int
    minor: int
    weight: int | None = None
    leaf_weight: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class ThrottleDevice:
    major: int
    minor: int
    rate: int


@dataclass(frozen=True, kw_only=True, slots=True)
class BlockIOLimits:
    weight: int | None = None
    leaf_weight: int | None = None
    weight_device: tuple[WeightDevice, ...] = ()
    throttle_read_bps_device: tuple[ThrottleDevice, ...] = ()
    throttle_write_bps_device: tuple[ThrottleDevice, ...] = ()
    throttle_read_iops_device: tuple[ThrottleDevice, ...] = _key(
        "throttleReadIOPSDevice", default=()
    )
    throttle_write_iops_device: tuple[ThrottleDevice, ...] = _key(
        "throttleWriteIOPSDevice", default=()
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class HugepageLimit:
    page_size: str
    limit: int


@dataclass(frozen=True, kw_only=True, slots=True)
class InterfacePriority:
    name: str
    priority: int


@dataclass(frozen=True, kw_only=True, slots=True)
class NetworkLimits:
    class_id: int | None = _key("classID", default=None)
    priorities: tuple[InterfacePriority, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class RdmaLimit:
    hca_handles: int | None = None
    hca_objects: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Resources:
    devices: tuple[DeviceRule, ...] = ()
    memory: MemoryLimits | None = None
    cpu: CPULimits | None = None
    pids: PidsLimit | None = None
    block_io: BlockIOLimits | None = _key("blockIO", default=None)
    hugepage_limits: tuple[HugepageLimit, ...] = ()
    network: NetworkLimits | None = None
    rdma: dict[str, RdmaLimit] = field(default_factory=dict)
    unified: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class SyscallArgument:
    index: int
    value: int
    value_two: int = 0
    op: str


@dataclass(frozen=True, kw_only=True, slots=True)
class SyscallRule:
    names: tuple[str, ...]
    action: str
    errno_ret: int | None = None
    args: tuple[SyscallArgument, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Seccomp:
    default_action: str
    default_errno_ret: int | None = None
    architectures: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()
    listener_path: str = ""
    listener_metadata: str = ""
    syscalls: tuple[SyscallRule, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class TimeOffset:
    secs: int = 0
    nanosecs: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Personality:
    domain: str
    flags: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class IntelRdt:
    clos_id: str = _key("closID", default="")
    l3_cache_schema: str = ""
    mem_bw_schema: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class NetDevice:
    """`name` in the container, where it may end in %d for a free number; empty keeps the host's."""

    name: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class MemoryPolicy:
    """`nodes` is a list such as "0-3,7"."""

    mode: str
    nodes: str = ""
    flags: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Linux:
    uid_mappings: tuple[IDMapping, ...] = ()
    gid_mappings: tuple[IDMapping, ...] = ()
    sysctl: dict[str, str] = field(default_factory=dict)
    resources: Resources | None = None
    cgroups_path: str = ""
    namespaces: tuple[Namespace, ...] = ()
    devices: tuple[Device, ...] = ()
    seccomp: Seccomp | None = None
    rootfs_propagation: str = ""
    masked_paths: tuple[str, ...] = ()
    readonly_paths: tuple[str, ...] = ()
    mount_label: str = ""
    intel_rdt: IntelRdt | None = None
    personality: Personality | None = None
    time_offsets: dict[str, TimeOffset] = field(default_factory=dict)
    net_devices: dict[str, NetDevice] = field(default_factory=dict)
    memory_policy: MemoryPolicy | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Spec:
    """The whole of `config.json`."""

    oci_version: str = _key("ociVersion", default=VERSION, always=True)
    process: Process | None = None
    root: Root | None = None
    hostname: str = ""
    domainname: str = ""
    mounts: tuple[Mount, ...] = ()
    hooks: Hooks | None = None
    annotations: dict[str, str] = field(default_factory=dict)
    linux: Linux | None = None
