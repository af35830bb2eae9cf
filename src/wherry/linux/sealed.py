"""An interpreter that what it executes cannot change.

When a process executes /proc/self/exe, or a script whose first line names that, the kernel takes
the program that runs at that moment: ours, on the host. Whoever is root in a container could then
write to it (CVE-2019-5736). So processes that make containers run from a read-only mount of the
interpreter that belongs to no namespace: nobody can reach it, and nobody can make it writable.

Imported by a program that will begin again: little else is imported here.
"""

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

_AGAIN = "sealed"  # an option of the interpreter, -X: unlike a variable no child inherits it


def is_sealed() -> bool:
    """Whether this very process runs from a mount that cannot be written to."""
    return bool(os.statvfs("/proc/self/exe").f_flag & os.ST_RDONLY)


def open_sealed_interpreter() -> int:
    """A descriptor of the interpreter to execute it by; OSError without CAP_SYS_ADMIN."""
    # ctypes, which takes longer to load than a command that needs none of this
    from wherry.linux.mount_tree import Attribute, open_tree, set_attributes

    # What runs from a mount of no namespace already cannot make another one of that.
    tree = open_tree(sys.executable if is_sealed() else "/proc/self/exe")
    try:
        set_attributes(tree, add=Attribute.RDONLY)
    except OSError:
        os.close(tree)
        raise
    return tree


def has_begun_again() -> bool:
    """Whether this is a program that `seal` has executed again."""
    return _AGAIN in sys._xoptions


def seal() -> None:
    """Execute this program again, sealed, unless it is; returns where that is impossible.

    An ordinary user's container cannot write to the interpreter: it is not that user's.
    """
    if has_begun_again():
        take_name()
    if is_sealed():
        return
    program, *words = sys.orig_argv
    try:
        os.execve(open_sealed_interpreter(), [program, "-X", _AGAIN, *words], os.environ)
    except OSError:
        return


def take_name() -> None:
    """Be called wherry, and with us our forks: executed by a descriptor, we are called by that."""
    try:
        with open("/proc/self/comm", "w") as name:
            name.write("wherry")
    except OSError:  # only for those who list processes
        return


def execute_sealed(words: list[str]) -> "NoReturn":
    """Execute the interpreter with `words`, sealed where that is possible."""
    interpreter: int | str
    try:
        interpreter = open_sealed_interpreter()
    except OSError:
        interpreter = sys.executable
    os.execve(interpreter, words, os.environ)
