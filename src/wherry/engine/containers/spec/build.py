"""The whole runtime configuration of one start of a container."""

from collections.abc import Iterable

from wherry.engine.containers.cgroups import cgroup_path
from wherry.engine.containers.spec.devices import container_devices
from wherry.engine.containers.spec.mounts import UserMount, root_propagation, spec_mounts
from wherry.engine.containers.spec.process import spec_process
from wherry.engine.containers.spec.resources import spec_resources
from wherry.engine.containers.spec.seccomp import seccomp_section
from wherry.engine.containers.spec.security import (
    apparmor_profile,
    container_capabilities,
    masked_paths,
    parse_security_options,
    readonly_paths,
)
from wherry.engine.containers.spec.sysctls import container_sysctls
from wherry.oci.runtime_spec import Linux, Namespace, Root, Spec, User
from wherry.store.containers import Container
from wherry.values import dataclass

# The oldest that has all that is written here: other runtimes refuse versions they do not know.
_VERSION = "1.0.2"


@dataclass(frozen=True, kw_only=True, slots=True)
class Moment:
    """What only this start knows."""

    user: User
    hostname: str
    namespaces: tuple[Namespace, ...]
    mounts: tuple[UserMount, ...]  # the user's and those of hosts, hostname, resolv.conf
    shm: UserMount | None = None  # in place of a /dev/shm of its own
    init: str = ""  # the program behind --init
    linked_env: Iterable[str] = ()


def build_spec(container: Container, root: str, moment: Moment) -> Spec:
    """The configuration; `root` is the folder of the root filesystem, relative to the bundle."""
    config = container.config
    security = parse_security_options(config.security_options)
    capabilities = container_capabilities(config)
    devices, rules = container_devices(config)
    return Spec(
        oci_version=_VERSION,
        process=spec_process(
            config,
            program=(container.details.path, *container.details.args),
            user=moment.user,
            hostname=moment.hostname,
            capabilities=capabilities,
            security=security,
            apparmor=apparmor_profile(config, security),
            with_init=bool(moment.init),
            linked_env=moment.linked_env,
        ),
        root=Root(path=root, readonly=config.read_only),
        hostname="" if config.uts_mode == "host" else moment.hostname,
        mounts=spec_mounts(
            config,
            moment.mounts,
            shm=moment.shm,
            init=moment.init,
            writable_cgroups=security.writable_cgroups,
        ),
        annotations=config.annotations,
        linux=Linux(
            sysctl=container_sysctls(config),
            resources=spec_resources(config.limits, rules),
            cgroups_path=cgroup_path(container.id, config.limits.cgroup_parent),
            namespaces=moment.namespaces,
            devices=devices,
            seccomp=seccomp_section(security, capabilities, privileged=config.privileged),
            rootfs_propagation=root_propagation(moment.mounts),
            masked_paths=masked_paths(config),
            readonly_paths=readonly_paths(config),
        ),
    )
