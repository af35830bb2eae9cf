"""The terminal of a process: made on the container's own devpts, its controlling side sent out."""

import errno
import os
import stat

from wherry.linux.mount import DEVPTS_SUPER_MAGIC, filesystem_type
from wherry.linux.mount_tree import attach, open_tree
from wherry.linux.openat import open_in_root, opened
from wherry.linux.tty import make_controlling, open_peer, set_window_size
from wherry.oci.runtime_spec import ConsoleSize
from wherry.runtime.init.targets import make_file

_PTMX = os.makedev(5, 2)


def open_console(root: int, size: ConsoleSize | None) -> tuple[int, int]:
    """(controlling side, terminal) of a new pair on the devpts mounted inside `root`."""
    # Checked after opening: an image may have put anything there (CVE-2025-52565).
    path = "/dev/pts/ptmx"
    master = open_in_root(root, path, os.O_RDWR | os.O_NOCTTY)
    status = os.fstat(master)
    if filesystem_type(master) != DEVPTS_SUPER_MAGIC or status.st_rdev != _PTMX:
        os.close(master)
        raise OSError(errno.ENODEV, "is not the multiplexer of a devpts", path)
    terminal = open_peer(master)
    if size is not None and (size.height or size.width):
        set_window_size(terminal, size.height, size.width)
    return master, terminal


def mount_console(root: int, terminal: int) -> None:
    """Show `terminal` as the container's /dev/console."""
    with opened(make_file(root, "/dev/console")) as target:
        if stat.S_ISLNK(os.fstat(target).st_mode):
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), "/dev/console")
        with opened(open_tree("", directory=terminal)) as tree:
            attach(tree, target)


def become_session_of(terminal: int) -> None:
    """Make `terminal` the controlling terminal and all three standard descriptors."""
    make_controlling(terminal)
    for descriptor in (0, 1, 2):
        os.dup2(terminal, descriptor)
    os.close(terminal)
