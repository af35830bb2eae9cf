"""Staged trees that turned out not to be needed, removed while nobody waits.

Removing thousands of files takes as long as writing them. A process of its own does it, which
outlives this one; under tmp the tree has a name of that process's, so that when it is killed the
next collection finds the rest.
"""

import os
import signal
from pathlib import Path
from typing import NoReturn

from wherry.linux.files import remove_entry
from wherry.linux.openat import directory_descriptor
from wherry.linux.process import close_other_descriptors
from wherry.store.store import Store


def discard(store: Store, folder: Path) -> None:
    """Have a staged folder, of which only the name goes at once, removed.

    Only for a process with one thread. Without a process to be had it stays where it is.
    """
    try:
        child = os.fork()
    except OSError:
        return
    if child == 0:
        _hand_on(store.root / "tmp", folder)
    os.waitpid(child, 0)


def _hand_on(staging: Path, folder: Path) -> NoReturn:
    """Let a grandchild do it, which is nobody's to wait for; end once the name is gone."""
    try:
        os.setsid()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_DFL)
        null = os.open(os.devnull, os.O_RDWR)
        for stream in range(3):
            os.dup2(null, stream)
        close_other_descriptors({0, 1, 2})  # among them locks and pipes of the builder
        reader, writer = os.pipe2(os.O_CLOEXEC)
        if os.fork() == 0:
            name = f"{os.getpid()}-{os.urandom(8).hex()}"
            with directory_descriptor(staging) as above:
                os.rename(folder, name, dst_dir_fd=above)
                os.close(writer)
                os.chdir("/")  # the builder's may be unmounted meanwhile
                remove_entry(above, name.encode())
        else:
            os.close(writer)
            os.read(reader, 1)
    finally:
        os._exit(0)
