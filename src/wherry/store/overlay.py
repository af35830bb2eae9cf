"""How overlayfs marks on disk what an upper directory takes away from the lower ones.

A whiteout is a character device 0:0; a directory that hides what is below it has an attribute,
https://www.kernel.org/doc/html/latest/filesystems/overlayfs.html#whiteouts-and-opaque-directories
"""

import os
import stat
from functools import cache

OPAQUE = b"y"
TRUSTED_OPAQUE = "trusted.overlay.opaque"
USER_OPAQUE = "user.overlay.opaque"  # where trusted.* may not be set; needs the option userxattr


def is_whiteout(status: os.stat_result) -> bool:
    return stat.S_ISCHR(status.st_mode) and status.st_rdev == 0


@cache
def in_user_namespace() -> bool:
    """Whether this process lacks the machine's own root: trusted.* and devices are then refused."""
    with open("/proc/self/uid_map", "rb") as file:
        return os.geteuid() != 0 or file.read().split() != [b"0", b"0", b"4294967295"]


def opaque_xattr() -> str:
    """The attribute that marks an opaque directory for overlays this process mounts."""
    return USER_OPAQUE if in_user_namespace() else TRUSTED_OPAQUE
