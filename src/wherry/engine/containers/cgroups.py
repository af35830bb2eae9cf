"""Where a container's cgroup is."""

DEFAULT_PARENT = "/wherry"


def cgroup_path(container_id: str, parent: str = "") -> str:
    """`linux.cgroupsPath` of a container: its ID below `--cgroup-parent`.

    A parent is below the root, said or not: who asks is in no cgroup that would mean anything.
    A slice, as systemd names it, gets a scope in runc's "slice:prefix:name" form.
    """
    if parent.endswith(".slice"):
        return f"{parent}:wherry:{container_id}"
    parent = parent.strip("/")
    return f"/{parent}/{container_id}" if parent else f"{DEFAULT_PARENT}/{container_id}"
