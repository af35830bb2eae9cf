"""What no container can be made from, found in its configuration before anything is made.

Everything that this runtime, or this kernel, does not do is refused here in one line; nothing is
accepted and then ignored.
"""

import resource
from collections.abc import Iterator

from wherry.linux import capabilities, labels, memory_policy
from wherry.oci.runtime_spec import IDMapping, Linux, MemoryPolicy, Mount, Process, Seccomp, Spec
from wherry.runtime.errors import InvalidSpec
from wherry.runtime.init.devices import DEVICE_TYPES
from wherry.runtime.init.options import is_propagation, parse_options
from wherry.runtime.init.process import (
    IO_CLASSES,
    PERSONALITIES,
    SCHEDULING_FLAGS,
    SCHEDULING_POLICIES,
    parse_numbers,
)
from wherry.runtime.init.sysctls import sysctl_faults
from wherry.runtime.namespaces import FLAG_OF
from wherry.runtime.net_devices import is_link_name
from wherry.runtime.seccomp_agent import NOTIFY, notifies


def check_spec(spec: Spec) -> None:
    """Raise InvalidSpec for what no container can be made from, all faults together."""
    linux = spec.linux or Linux()
    faults = [
        *_process_faults(spec.process),
        *_namespace_faults(spec, linux),
        *_mapping_faults(linux),
        *(fault for mount in spec.mounts for fault in _mount_faults(mount, linux)),
        *_linux_faults(linux),
    ]
    if spec.root is None:
        faults.append("root is missing")
    if faults:
        raise InvalidSpec(faults)


def check_process(process: Process) -> None:
    """The same for a process that joins a container."""
    if faults := list(_process_faults(process)):
        raise InvalidSpec(faults)


def _process_faults(process: Process | None) -> Iterator[str]:
    if process is None or not process.args:
        yield "process.args must not be empty"
        return
    if not process.cwd.startswith("/"):
        yield f"process.cwd must be an absolute path: {process.cwd!r}"
    for limit in process.rlimits:
        if not limit.type.startswith("RLIMIT_") or not hasattr(resource, limit.type):
            yield f"process.rlimits: {limit.type!r} is not known"
    kinds = [limit.type for limit in process.rlimits]
    if len(set(kinds)) < len(kinds):
        yield "process.rlimits: a type is listed twice"
    if process.apparmor_profile and not labels.has_apparmor():
        yield "process.apparmorProfile: apparmor is not enabled on this machine"
    if process.selinux_label and not labels.has_selinux():
        yield "process.selinuxLabel: selinux is not enabled on this machine"
    yield from _scheduling_faults(process)


def _scheduling_faults(process: Process) -> Iterator[str]:
    if process.scheduler is not None:
        if process.scheduler.policy not in SCHEDULING_POLICIES:
            yield f"process.scheduler.policy: {process.scheduler.policy!r} is not known"
        for flag in process.scheduler.flags:
            if flag not in SCHEDULING_FLAGS:
                yield f"process.scheduler.flags: {flag!r} is not known"
    if process.io_priority is not None:
        if process.io_priority.class_ not in IO_CLASSES:
            yield f"process.ioPriority.class: {process.io_priority.class_!r} is not known"
        if not 0 <= process.io_priority.priority <= 7:
            yield "process.ioPriority.priority: must be between 0 and 7"
    affinity = process.exec_cpu_affinity
    for text in () if affinity is None else (affinity.initial, affinity.final):
        try:
            parse_numbers(text)
        except ValueError:
            yield f"process.execCPUAffinity: {text!r} is not a list of processors"


def _namespace_faults(spec: Spec, linux: Linux) -> Iterator[str]:
    kinds = [namespace.type for namespace in linux.namespaces]
    for kind in kinds:
        if kind not in FLAG_OF:
            yield f"linux.namespaces: {kind!r} is not a namespace"
    if len(set(kinds)) < len(kinds):
        yield "linux.namespaces: a type is listed twice"
    if spec.hostname and "uts" not in kinds:
        yield "unable to set hostname without a private UTS namespace"
    if spec.domainname and "uts" not in kinds:
        yield "unable to set domainname without a private UTS namespace"
    if linux.time_offsets and "time" not in kinds:
        yield "linux.timeOffsets: need a time namespace of the container's own"
    for clock in linux.time_offsets:
        if clock not in ("monotonic", "boottime"):
            yield f"linux.timeOffsets: {clock!r} is not a clock that can be moved"
    yield from sysctl_faults(linux.sysctl, kinds, hostname=spec.hostname)


def _mapping_faults(linux: Linux) -> Iterator[str]:
    users = next((one for one in linux.namespaces if one.type == "user"), None)
    if users is None:
        if linux.uid_mappings or linux.gid_mappings:
            yield "linux.uidMappings and gidMappings need a user namespace of the container's own"
    elif not users.path and not (linux.uid_mappings and linux.gid_mappings):
        yield "a new user namespace needs linux.uidMappings and linux.gidMappings"
    yield from _range_faults("linux.uidMappings", linux.uid_mappings)
    yield from _range_faults("linux.gidMappings", linux.gid_mappings)


def _range_faults(name: str, mappings: tuple[IDMapping, ...]) -> Iterator[str]:
    for index, mapping in enumerate(mappings):
        if min(mapping.container_id, mapping.host_id) < 0 or mapping.size <= 0:
            yield f"{name}[{index}]: IDs count from 0, and a range holds at least one"


def _mount_faults(mount: Mount, linux: Linux) -> Iterator[str]:
    where = f"mount at {mount.destination!r}"
    if not mount.destination.startswith("/"):
        yield f"{where}: destination must be an absolute path"
    options = parse_options(mount.options)
    if bool(mount.uid_mappings) != bool(mount.gid_mappings):
        yield f"{where}: uidMappings and gidMappings belong together"
    if options.idmap or mount.uid_mappings:
        if not (options.bind or mount.type == "bind"):
            yield f"{where}: only bind mounts translate IDs"
        if not mount.uid_mappings and not linux.uid_mappings:
            yield f"{where}: has no uidMappings and gidMappings to translate IDs by"


def _linux_faults(linux: Linux) -> Iterator[str]:
    if linux.rootfs_propagation and not is_propagation(linux.rootfs_propagation):
        yield f"linux.rootfsPropagation: {linux.rootfs_propagation!r} is not known"
    if linux.personality is not None:
        if linux.personality.domain not in PERSONALITIES:
            yield f"linux.personality.domain: {linux.personality.domain!r} is not known"
        if linux.personality.flags:
            yield "linux.personality.flags: are not supported"
    if linux.intel_rdt is not None:
        yield "linux.intelRdt: is not supported"
    if linux.mount_label:
        yield "linux.mountLabel: " + (
            "is not supported" if labels.has_selinux() else "selinux is not enabled on this machine"
        )
    yield from _net_device_faults(linux)
    if linux.memory_policy is not None:
        yield from _memory_policy_faults(linux.memory_policy)
    for device in linux.devices:
        if device.type not in DEVICE_TYPES:
            yield f"linux.devices: {device.type!r} of {device.path} is not a type of device"
        if not device.path.startswith("/"):
            yield f"linux.devices: {device.path!r} must be an absolute path"
    if linux.seccomp is not None:
        yield from _seccomp_faults(linux.seccomp)


def _net_device_faults(linux: Linux) -> Iterator[str]:
    if linux.net_devices and not any(one.type == "network" for one in linux.namespaces):
        yield "linux.netDevices: need a network namespace of the container's own"
    for name, device in linux.net_devices.items():
        for text in (name, device.name or name):
            if not is_link_name(text):
                yield f"linux.netDevices: {text!r} is not a name of a network device"


def _memory_policy_faults(policy: MemoryPolicy) -> Iterator[str]:
    if policy.mode not in memory_policy.MODES:
        yield f"linux.memoryPolicy.mode: {policy.mode!r} is not known"
    for flag in policy.flags:
        if flag not in memory_policy.FLAGS:
            yield f"linux.memoryPolicy.flags: {flag!r} is not known"
    try:
        nodes = parse_numbers(policy.nodes)
    except ValueError:
        yield f"linux.memoryPolicy.nodes: {policy.nodes!r} is not a list of memory nodes"
        return
    if nodes and policy.mode in memory_policy.WITHOUT_NODES:
        yield f"linux.memoryPolicy.nodes: {policy.mode} takes none"
    if not nodes and policy.mode not in memory_policy.MAY_LACK_NODES:
        yield f"linux.memoryPolicy.nodes: {policy.mode} needs at least one"


def _seccomp_faults(seccomp: Seccomp) -> Iterator[str]:
    if seccomp.default_action == NOTIFY:
        yield f"linux.seccomp: {NOTIFY} cannot be used as default action"
    if not notifies(seccomp):
        return
    if not seccomp.listener_path.startswith("/"):
        yield f"linux.seccomp: {NOTIFY} needs a listenerPath, which is absolute"
    # Init still has to say that there is a listener.
    if any(rule.action == NOTIFY and "write" in rule.names for rule in seccomp.syscalls):
        yield f"linux.seccomp: {NOTIFY} cannot be used for the write syscall"


def unknown_capabilities(process: Process) -> set[str]:
    """Names in the sets of `process` that no kernel knows, such as those of a later one."""
    wanted = process.capabilities
    if wanted is None:
        return set()
    named = (wanted.bounding, wanted.effective, wanted.inheritable, wanted.permitted)
    return {name for names in (*named, wanted.ambient) for name in names}.difference(
        capabilities.NAMES
    )
