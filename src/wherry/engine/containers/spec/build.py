"""From a container to the OCI runtime configuration that makes it, as dockerd writes it."""

import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from wherry.engine.containers.cgroups import cgroup_path
from wherry.engine.containers.options.resources import RLIMITS
from wherry.engine.containers.spec.devices import devices_and_rules
from wherry.engine.containers.spec.mounts import all_mounts, default_mounts
from wherry.engine.containers.spec.namespaces import namespaces_of
from wherry.engine.containers.spec.resources import resources_of
from wherry.engine.containers.spec.seccomp import seccomp_section
from wherry.engine.containers.spec.security import (
    apparmor_profile,
    container_capabilities,
    masked_paths,
    parse_security_options,
    readonly_paths,
)
from wherry.errors import Unsupported
from wherry.oci.container_config import ContainerConfig
from wherry.oci.runtime_spec import (
    Capabilities,
    ConsoleSize,
    Linux,
    Mount,
    Process,
    Rlimit,
    Root,
    Spec,
    User,
)
from wherry.store.containers import Container

DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
INIT_PATH = "/sbin/docker-init"
# The container's image may have no dynamic linker, or another one: a static program is better.
_INITS = ("docker-init", "tini-static", "catatonit", "tini")


@dataclass(frozen=True, kw_only=True, slots=True)
class Moment:
    """What is only known when the container starts."""

    user: User = field(default_factory=User)
    hostname: str = ""
    joined: Mapping[str, str] = field(default_factory=dict)  # namespaces of others, by type
    mounts: tuple[Mount, ...] = ()  # those of the user and of the network
    shm_source: str = ""


def make_spec(container: Container, moment: Moment) -> Spec:
    """The configuration to run `container` with now, or InvalidArgument in Docker's words."""
    config = container.config
    own = [*moment.mounts, *([_init_mount()] if config.init else [])]
    return Spec(
        process=_process(container, moment),
        root=Root(path="rootfs", readonly=config.read_only),
        hostname="" if config.uts_mode == "host" or "uts" in moment.joined else moment.hostname,
        domainname=config.domainname,
        mounts=_mounts(config, moment, own),
        annotations=config.annotations,
        linux=_linux(container, moment),
    )


def _mounts(config: ContainerConfig, moment: Moment, own: list[Mount]) -> tuple[Mount, ...]:
    defaults = default_mounts(config, moment.shm_source)
    if parse_security_options(config.security_options).writable_cgroups:
        defaults = [_writable(m) if m.type == "cgroup" else m for m in defaults]
    return all_mounts(defaults, own)


def _writable(mount: Mount) -> Mount:
    return Mount(
        destination=mount.destination,
        type=mount.type,
        source=mount.source,
        options=tuple(option for option in mount.options if option != "ro"),
    )


def _init_mount() -> Mount:
    for name in _INITS:
        if path := shutil.which(name):
            return Mount(destination=INIT_PATH, type="bind", source=path, options=("bind", "ro"))
    raise Unsupported(
        'exec: "docker-init": executable file not found in $PATH', hint="install tini"
    )


def _process(container: Container, moment: Moment) -> Process:
    config = container.config
    arguments = (container.details.path, *container.details.args)
    rows, columns = config.console_size if len(config.console_size) == 2 else (0, 0)
    bounding = container_capabilities(config)
    security = parse_security_options(config.security_options)
    return Process(
        cwd=config.working_dir or "/",
        args=(INIT_PATH, "--", *arguments) if config.init else arguments,
        env=environment_of(config, moment.hostname),
        terminal=config.tty,
        console_size=ConsoleSize(height=rows, width=columns) if rows and columns else None,
        user=moment.user,
        capabilities=_capability_sets(bounding, moment.user.uid),
        rlimits=tuple(
            Rlimit(type=RLIMITS[limit.name], soft=limit.soft, hard=limit.hard)
            for limit in config.limits.ulimits
        ),
        no_new_privileges=security.no_new_privileges,
        apparmor_profile=apparmor_profile(config, security),
        oom_score_adj=config.oom_score_adj,
    )


def _capability_sets(bounding: tuple[str, ...], uid: int) -> Capabilities:
    """Those of root are in force; any other user only may gain them, by a setuid program."""
    if uid != 0:
        return Capabilities(bounding=bounding)
    return Capabilities(bounding=bounding, effective=bounding, permitted=bounding)


def environment_of(config: ContainerConfig, hostname: str) -> tuple[str, ...]:
    """What every process has, then the container's own; a name alone takes a variable away."""
    variables = {"PATH": f"PATH={DEFAULT_PATH}", "HOSTNAME": f"HOSTNAME={hostname}"}
    if config.tty:
        variables["TERM"] = "TERM=xterm"
    for variable in config.env:
        name, equals, _ = variable.partition("=")
        if equals:
            variables[name] = variable
        else:
            variables.pop(name, None)
    return tuple(variables.values())


def _linux(container: Container, moment: Moment) -> Linux:
    config = container.config
    devices, rules = devices_and_rules(config)
    security = parse_security_options(config.security_options)
    return Linux(
        sysctl=_sysctls(config, moment),
        resources=resources_of(config.limits, rules),
        cgroups_path=cgroup_path(container.id, config.limits.cgroup_parent),
        namespaces=namespaces_of(config, moment.joined),
        devices=devices,
        seccomp=seccomp_section(
            security, container_capabilities(config), privileged=config.privileged
        ),
        rootfs_propagation=_propagation(moment.mounts),
        masked_paths=masked_paths(config),
        readonly_paths=readonly_paths(config),
    )


def _sysctls(config: ContainerConfig, moment: Moment) -> dict[str, str]:
    if config.network_mode == "host" or "network" in moment.joined:
        return dict(config.sysctls)
    # A namespace of its own lets any user take low ports and send pings.
    return {
        "net.ipv4.ip_unprivileged_port_start": "0",
        "net.ipv4.ping_group_range": "0 2147483647",
        **config.sysctls,
    }


def _propagation(mounts: Iterable[Mount]) -> str:
    words = {option for mount in mounts for option in mount.options}
    if words & {"shared", "rshared"}:
        return "shared"
    return "rslave" if words & {"slave", "rslave"} else ""
