"""Whether mounts made at a bind's source, or in the container, can reach the other side at all."""

import os
import re

from wherry.errors import Internal

_MOUNTS = "/proc/self/mountinfo"
_PRIVATE = ("", "private", "rprivate")


class NotPropagated(Internal):
    def __init__(self, path: str, mount_point: str, wanted: str) -> None:
        super().__init__(f"path {path} is mounted on {mount_point} but it is not a {wanted} mount")


def check_propagation(path: str, propagation: str) -> None:
    """Refuse a shared or slave bind of what is on a private mount, as Docker does."""
    if propagation in _PRIVATE:
        return
    mount_point, tags = _mount_of(os.path.realpath(path))
    if propagation in ("shared", "rshared"):
        if "shared" not in tags:
            raise NotPropagated(path, mount_point, "shared")
    elif not tags & {"shared", "master"}:
        raise NotPropagated(path, mount_point, "shared or slave")


def _mount_of(path: str) -> tuple[str, set[str]]:
    """The mount that `path` is on, with its propagation: proc_pid_mountinfo(5)."""
    found: tuple[str, set[str]] = ("/", set())
    with open(_MOUNTS, encoding="utf-8", errors="surrogateescape") as file:
        for line in file:
            fields = line.split(" ")
            mount_point = re.sub(r"\\([0-7]{3})", lambda m: chr(int(m[1], 8)), fields[4])
            # The last of those that are as deep is on top.
            if _is_below(path, mount_point) and len(mount_point) >= len(found[0]):
                optional = fields[6 : fields.index("-")]
                found = mount_point, {field.partition(":")[0] for field in optional}
    return found


def _is_below(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip("/") + "/")
