"""From which memory nodes a process takes its pages, set_mempolicy(2)."""

import os
from collections.abc import Collection

from wherry.linux.libc import syscall

_SYS_SET_MEMPOLICY = 238 if os.uname().machine == "x86_64" else 237

MODES = {
    "MPOL_DEFAULT": 0,
    "MPOL_PREFERRED": 1,
    "MPOL_BIND": 2,
    "MPOL_INTERLEAVE": 3,
    "MPOL_LOCAL": 4,
    "MPOL_PREFERRED_MANY": 5,
    "MPOL_WEIGHTED_INTERLEAVE": 6,
}
FLAGS = {
    "MPOL_F_NUMA_BALANCING": 1 << 13,
    "MPOL_F_RELATIVE_NODES": 1 << 14,
    "MPOL_F_STATIC_NODES": 1 << 15,
}
WITHOUT_NODES = ("MPOL_DEFAULT", "MPOL_LOCAL")
MAY_LACK_NODES = (*WITHOUT_NODES, "MPOL_PREFERRED")


def set_memory_policy(mode: str, nodes: Collection[int], flags: Collection[str] = ()) -> None:
    """Take pages as `mode` says from `nodes`; children and execve keep to it."""
    number = MODES[mode]
    for flag in flags:
        number |= FLAGS[flag]
    if not nodes:
        syscall(_SYS_SET_MEMPOLICY, number, None, 0)
        return
    length = max(nodes) // 64 * 8 + 8  # whole words of the kernel's
    mask = sum(1 << node for node in set(nodes)).to_bytes(length, "little")
    # The kernel counts one bit less than it is told.
    syscall(_SYS_SET_MEMPOLICY, number, mask, length * 8 + 1)
