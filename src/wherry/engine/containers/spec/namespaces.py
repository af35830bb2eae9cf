"""Which namespaces a container has of its own, shares with the host, or joins."""

from collections.abc import Mapping

from wherry.oci.container_config import ContainerConfig
from wherry.oci.runtime_spec import Namespace


def namespaces_of(config: ContainerConfig, joined: Mapping[str, str]) -> tuple[Namespace, ...]:
    """`linux.namespaces`; `joined` are the paths of those of other containers, by type."""
    modes = {
        "mount": "",
        "network": config.network_mode,
        "uts": config.uts_mode,
        "pid": config.pid_mode,
        "ipc": config.ipc_mode,
        "cgroup": "host" if config.cgroup_namespace_mode == "host" else "",
    }
    return tuple(
        Namespace(type=kind, path=joined.get(kind, ""))
        for kind, mode in modes.items()
        if mode != "host"
    )
