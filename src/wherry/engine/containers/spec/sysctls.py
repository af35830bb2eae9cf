"""Kernel settings of the container's own namespaces."""

import os

from wherry.oci.container_config import ContainerConfig

_PING = "net.ipv4.ping_group_range"
_PORTS = "net.ipv4.ip_unprivileged_port_start"


def container_sysctls(config: ContainerConfig) -> dict[str, str]:
    """What Docker sets in a new network namespace, the domain name, and then the user's."""
    is_own_network = config.network_mode != "host" and not config.network_mode.startswith(
        "container:"
    )
    # Any user may ping and listen on port 80 in here; it is nobody else's.
    sysctls = {
        name: value
        for name, value in ((_PING, "0 2147483647"), (_PORTS, "0"))
        if is_own_network and os.path.exists("/proc/sys/" + name.replace(".", "/"))
    }
    if config.domainname:
        sysctls["kernel.domainname"] = config.domainname
    return {**sysctls, **config.sysctls}
