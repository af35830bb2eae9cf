"""Block devices by their numbers, which is how cgroups know them."""

import errno
import os
import stat


def block_device_number(path: str | os.PathLike[str]) -> tuple[int, int]:
    """Major and minor of the block device `path`; OSError (ENOTBLK) if it is anything else."""
    found = os.stat(path)
    if not stat.S_ISBLK(found.st_mode):
        raise OSError(errno.ENOTBLK, os.strerror(errno.ENOTBLK), os.fspath(path))
    return os.major(found.st_rdev), os.minor(found.st_rdev)
