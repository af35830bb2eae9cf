"""Which cgroup hierarchies this machine has, and where they are mounted.

Three arrangements exist: v2 alone at /sys/fs/cgroup; v1, one mount per controller or group of
controllers; and hybrid, v1 with a v2 tree beside it (here at /sys/fs/cgroup/unified). See
cgroups(7).
"""

import os
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType

from wherry.values import dataclass

UNIFIED = ""  # the key of the v2 tree, which names no controller


@dataclass(frozen=True)
class Hierarchies:
    """`mounts` by controller (v1, "name=systemd" too), and by `UNIFIED` for the v2 tree."""

    version: int
    mounts: Mapping[str, str]
    own: Mapping[str, str] = MappingProxyType({})  # this process's cgroup in each of them

    def directories_of(self, path: str) -> dict[str, Path]:
        """The directory of the cgroup `path` in every hierarchy, by controller."""
        return {key: Path(text) for key, text in self.locations_of(path).items()}

    def locations_of(self, path: str) -> dict[str, str]:
        if path.startswith("/"):
            return {key: mount + path for key, mount in self.mounts.items()}
        return {key: f"{mount}{self._parent(key)}/{path}" for key, mount in self.mounts.items()}

    def _parent(self, key: str) -> str:
        own = self.own.get(key, "/")
        # A v2 cgroup with processes, such as our own, passes no controllers on to children; a
        # sibling may have them.
        return (os.path.dirname(own) if key == UNIFIED else own).rstrip("/")


@cache
def hierarchies() -> Hierarchies:
    """The hierarchies of this process's mount namespace, looked up once."""
    return parse_hierarchies(
        Path("/proc/self/mountinfo").read_text(), Path("/proc/self/cgroup").read_text()
    )


def parse_hierarchies(mountinfo: str, own_cgroups: str) -> Hierarchies:
    """What /proc/self/mountinfo and /proc/self/cgroup say, see proc_pid_mountinfo(5)."""
    own = _own_cgroups(own_cgroups)
    mounts: dict[str, str] = {}
    for line in mountinfo.splitlines():
        before, _, after = line.partition(" - ")
        if not after.startswith("cgroup"):
            continue
        fields, (kind, *_, options) = before.split(), after.split()
        for key in _keys(kind, options, own):
            if key not in mounts:  # later ones are copies, such as those inside containers
                mounts[key] = _unescaped(fields[4])
                own[key] = _below(fields[3], own.get(key, "/"))
    if not mounts:
        raise FileNotFoundError(2, "no cgroup hierarchy is mounted", "/sys/fs/cgroup")
    version = 2 if set(mounts) == {UNIFIED} else 1
    return Hierarchies(version=version, mounts=mounts, own={key: own[key] for key in mounts})


def _own_cgroups(text: str) -> dict[str, str]:
    own: dict[str, str] = {}
    for line in text.splitlines():
        _, controllers, path = line.split(":", 2)
        for controller in controllers.split(","):
            own[controller] = path
    return own


def _keys(kind: str, options: str, known: dict[str, str]) -> list[str]:
    if kind == "cgroup2":
        return [UNIFIED]
    return [option for option in options.split(",") if option in known and option]


def _below(root: str, path: str) -> str:
    """`path` seen from a mount of the subtree `root` (a container's view without a namespace)."""
    if root == "/":
        return path
    return path.removeprefix(root) or "/" if path.startswith(root) else "/"


def _unescaped(text: str) -> str:
    for code, character in (("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")):
        text = text.replace(code, character)
    return text
