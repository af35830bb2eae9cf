"""An interpreter that what it executes cannot change.

When a process executes /proc/self/exe, or a script whose first line names that, the kernel takes
the program that runs at that moment: ours, on the host. Whoever is root in a container could then
write to it (CVE-2019-5736). So processes that make containers run from a read-only mount of the
interpreter that belongs to no namespace: nobody can reach it, and nobody can make it writable.

Imported by a program that will begin again: little else is imported here.
"""

import os
import sys

from wherry.linux.mount_tree import Attribute, open_tree, set_attributes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn


def is_sealed() -> bool:
    """Whether this very process runs from a mount that cannot be written to."""
    return bool(os.statvfs("/proc/self/exe").f_flag & os.ST_RDONLY)


def open_sealed_interpreter() -> int:
    """A descriptor of the interpreter to execute it by; OSError without CAP_SYS_ADMIN."""
    # What runs from a mount of no namespace already cannot make another one of that.
    tree = open_tree(sys.executable if is_sealed() else "/proc/self/exe")
    try:
        set_attributes(tree, add=Attribute.RDONLY)
    except OSError:
        os.close(tree)
        raise
    return tree


def seal() -> None:
    """Execute this program again, sealed, unless it is; returns where that is impossible.

    An ordinary user's container cannot write to the interpreter: it is not that user's.
    """
    if is_sealed():
        return
    try:
        os.execve(open_sealed_interpreter(), sys.orig_argv, os.environ)
    except OSError:
        return


def execute_sealed(words: list[str]) -> "NoReturn":
    """Execute the interpreter with `words`, sealed where that is possible."""
    interpreter: int | str
    try:
        interpreter = open_sealed_interpreter()
    except OSError:
        interpreter = sys.executable
    os.execve(interpreter, words, os.environ)
