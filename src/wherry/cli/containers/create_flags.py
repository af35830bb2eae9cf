"""The flags that `run` and `create` share, and how they travel to the engine.

A row a flag, as in Docker's help: name, shorthand, type, text. What they mean is read by
`wherry.engine.containers.options`, by the same names, so that the command line and the Python API
cannot differ; here they are only read, in their types, so that a typing error is told at once.
"""

from wherry.cli.flags import Boolean, FlagSet, Mapping, String, Strings
from wherry.cli.number_flags import (
    Bytes,
    BytesOrUnlimited,
    Cpus,
    Duration,
    Integer,
    Unsigned,
    Unsigned16,
)

# Of the client alone.
_OWN = frozenset(("detach_keys", "sig_proxy", "pull", "quiet", "wait", "name"))


class CreateFlags(FlagSet):
    """What a container is asked to be."""

    add_host = Strings("", "Add a custom host-to-IP mapping (host:ip)")
    annotation = Mapping(
        "",
        "Add an annotation to the container (passed through to the OCI runtime)",
        default_text="map[]",
    )
    attach = Strings("a", "Attach to STDIN, STDOUT or STDERR")
    blkio_weight = Unsigned16(
        "",
        "Block IO (relative weight), between 10 and 1000, or 0 to disable",
        default_text="0",
    )
    blkio_weight_device = Strings("", "Block IO weight (relative device weight)", default_text="[]")
    cap_add = Strings("", "Add Linux capabilities")
    cap_drop = Strings("", "Drop Linux capabilities")
    cgroup_parent = String("", "Optional parent cgroup for the container")
    cgroupns = String(
        "",
        "Cgroup namespace to use (host|private)\n"
        "'host':    Run the container in the Docker host's cgroup namespace\n"
        "'private': Run the container in its own private cgroup namespace\n"
        "'':        Use the cgroup namespace as configured by the\n"
        "           default-cgroupns-mode option on the daemon (default)",
    )
    cidfile = String("", "Write the container ID to the file")
    cpu_count = Integer("", "CPU count (Windows only)", hidden=True)
    cpu_percent = Integer("", "CPU percent (Windows only)", hidden=True)
    cpu_period = Integer("", "Limit CPU CFS (Completely Fair Scheduler) period")
    cpu_quota = Integer("", "Limit CPU CFS (Completely Fair Scheduler) quota")
    cpu_rt_period = Integer("", "Limit CPU real-time period in microseconds")
    cpu_rt_runtime = Integer("", "Limit CPU real-time runtime in microseconds")
    cpu_shares = Integer("c", "CPU shares (relative weight)")
    cpus = Cpus("", "Number of CPUs")
    cpuset_cpus = String("", "CPUs in which to allow execution (0-3, 0,1)")
    cpuset_mems = String("", "MEMs in which to allow execution (0-3, 0,1)")
    device = Strings("", "Add a host device to the container")
    device_cgroup_rule = Strings("", "Add a rule to the cgroup allowed devices list")
    device_read_bps = Strings(
        "", "Limit read rate (bytes per second) from a device", default_text="[]"
    )
    device_read_iops = Strings(
        "", "Limit read rate (IO per second) from a device", default_text="[]"
    )
    device_write_bps = Strings(
        "", "Limit write rate (bytes per second) to a device", default_text="[]"
    )
    device_write_iops = Strings(
        "", "Limit write rate (IO per second) to a device", default_text="[]"
    )
    disable_content_trust = Boolean("", "Skip image verification", default=True)
    dns = Strings("", "Set custom DNS servers")
    dns_opt = Strings("", "Set DNS options", hidden=True)
    dns_option = Strings("", "Set DNS options")
    dns_search = Strings("", "Set custom DNS search domains")
    domainname = String("", "Container NIS domain name")
    entrypoint = String("", "Overwrite the default ENTRYPOINT of the image")
    env = Strings("e", "Set environment variables")
    env_file = Strings("", "Read in a file of environment variables")
    expose = Strings("", "Expose a port or a range of ports")
    gpus = Strings(
        "", "GPU devices to add to the container ('all' to pass all GPUs)", type_name="gpu-request"
    )
    group_add = Strings("", "Add additional groups to join")
    health_cmd = String("", "Command to run to check health")
    health_interval = Duration("", "Time between running the check (ms|s|m|h)", default_text="0s")
    health_on_failure = String(
        "",
        'What to do when the container turns unhealthy ("none", "kill", "restart", "stop")',
        default_text='"none"',
    )
    health_retries = Integer("", "Consecutive failures needed to report unhealthy")
    health_start_interval = Duration(
        "", "Time between running the check during the start period (ms|s|m|h)", default_text="0s"
    )
    health_start_period = Duration(
        "",
        "Start period for the container to initialize before starting health-retries countdown"
        " (ms|s|m|h)",
        default_text="0s",
    )
    health_timeout = Duration(
        "", "Maximum time to allow one check to run (ms|s|m|h)", default_text="0s"
    )
    hostname = String("h", "Container host name")
    init = Boolean("", "Run an init inside the container that forwards signals and reaps processes")
    interactive = Boolean("i", "Keep STDIN open even if not attached")
    io_maxbandwidth = Bytes(
        "", "Maximum IO bandwidth limit for the system drive (Windows only)", hidden=True
    )
    io_maxiops = Unsigned("", "Maximum IOps limit for the system drive (Windows only)", hidden=True)
    ip = String("", "IPv4 address (e.g., 172.30.100.104)")
    ip6 = String("", "IPv6 address (e.g., 2001:db8::33)")
    ipc = String("", "IPC mode to use")
    isolation = String("", "Container isolation technology")
    kernel_memory = Bytes("", "Kernel memory limit")
    label = Strings("l", "Set meta data on a container")
    label_file = Strings("", "Read in a line delimited file of labels")
    link = Strings("", "Add link to another container")
    link_local_ip = Strings("", "Container IPv4/IPv6 link-local addresses")
    log_driver = String("", "Logging driver for the container")
    log_opt = Strings("", "Log driver options")
    mac_address = String("", "Container MAC address (e.g., 92:d0:c6:0a:29:33)")
    memory = Bytes("m", "Memory limit")
    memory_reservation = Bytes("", "Memory soft limit")
    memory_swap = BytesOrUnlimited(
        "", "Swap limit equal to memory plus swap: '-1' to enable unlimited swap"
    )
    memory_swappiness = Integer(
        "", "Tune container memory swappiness (0 to 100)", default=-1, default_text="-1"
    )
    mount = Strings("", "Attach a filesystem mount to the container", type_name="mount")
    name = String("", "Assign a name to the container")
    net = Strings("", "Connect a container to a network", type_name="network", hidden=True)
    net_alias = Strings("", "Add network-scoped alias for the container", hidden=True)
    network = Strings("", "Connect a container to a network", type_name="network")
    network_alias = Strings("", "Add network-scoped alias for the container")
    no_healthcheck = Boolean("", "Disable any container-specified HEALTHCHECK")
    oom_kill_disable = Boolean("", "Disable OOM Killer")
    oom_score_adj = Integer("", "Tune host's OOM preferences (-1000 to 1000)")
    pid = String("", "PID namespace to use")
    pids_limit = Integer("", "Tune container pids limit (set -1 for unlimited)")
    platform = String("", "Set platform if server is multi-platform capable")
    privileged = Boolean("", "Give extended privileges to this container")
    publish = Strings("p", "Publish a container's port(s) to the host")
    publish_all = Boolean("P", "Publish all exposed ports to random ports")
    pull = String(
        "",
        'Pull image before creating ("always", "missing", "never")',
        default="missing",
        default_text='"missing"',
    )
    quiet = Boolean("q", "Suppress the pull output")
    read_only = Boolean("", "Mount the container's root filesystem as read only")
    restart = String("", "Restart policy to apply when a container exits", default_text='"no"')
    rm = Boolean(
        "", "Automatically remove the container and its associated anonymous volumes when it exits"
    )
    runtime = String("", "Runtime to use for this container")
    security_opt = Strings("", "Security Options")
    shm_size = Bytes("", "Size of /dev/shm")
    stop_signal = String("", "Signal to stop the container")
    stop_timeout = Integer("", "Timeout (in seconds) to stop a container")
    storage_opt = Strings("", "Storage driver options for the container")
    sysctl = Strings("", "Sysctl options", type_name="map", default_text="map[]")
    tmpfs = Strings("", "Mount a tmpfs directory")
    tty = Boolean("t", "Allocate a pseudo-TTY")
    ulimit = Strings("", "Ulimit options", type_name="ulimit", default_text="[]")
    use_api_socket = Boolean("", "Bind mount Docker API socket and required auth")
    user = String("u", "Username or UID (format: <name|uid>[:<group|gid>])")
    userns = String("", "User namespace to use")
    uts = String("", "UTS namespace to use")
    volume = Strings("v", "Bind mount a volume")
    volume_driver = String("", "Optional volume driver for the container")
    volumes_from = Strings("", "Mount volumes from the specified container(s)")
    workdir = String("w", "Working directory inside the container")


def options_of(flags: CreateFlags) -> dict[str, object]:
    """The given flags as the engine takes options: by name, in values that can travel."""
    options: dict[str, object] = {}
    for flag in flags.declared().values():
        if flag.attribute in _OWN or not flags.given(flag.attribute):
            continue
        value = flags.__dict__[flag.attribute]
        if isinstance(flag, Duration):
            value = f"{value}ns"
        elif isinstance(flag, Cpus):
            value = f"{value // 10**9}.{value % 10**9:09}"
        elif isinstance(flag, Mapping):
            value = [f"{name}={text}" for name, text in value.items()]
        options[flag.attribute] = value
    return options
