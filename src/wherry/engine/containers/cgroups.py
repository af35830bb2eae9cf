"""Where a container's cgroup is."""

DEFAULT_PARENT = "/wherry"


def cgroup_path(container_id: str, parent: str = "") -> str:
    """`linux.cgroupsPath` of a container: its ID below `--cgroup-parent`.

    A slice, as systemd names it, gets a scope in runc's "slice:prefix:name" form.
    """
    if parent.endswith(".slice"):
        return f"{parent}:wherry:{container_id}"
    return f"{parent.rstrip('/') or DEFAULT_PARENT}/{container_id}"
