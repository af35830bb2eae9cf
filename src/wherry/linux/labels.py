"""Labels of security modules: AppArmor's profile and SELinux's context of the next program."""

import os
from functools import cache


@cache
def has_apparmor() -> bool:
    try:
        with open("/sys/module/apparmor/parameters/enabled") as file:
            return file.read(1) == "Y"
    except OSError:
        return False


@cache
def has_selinux() -> bool:
    return os.path.exists("/sys/fs/selinux/enforce")


def open_label(module: str) -> int:
    """A descriptor that takes this thread's label for its next execve, proc_pid_attr(5).

    To be opened while /proc is still the host's. `module` is "apparmor" or "selinux".
    """
    own = f"/proc/thread-self/attr/{module}/exec"
    path = own if os.path.exists(own) else "/proc/thread-self/attr/exec"
    return os.open(path, os.O_WRONLY | os.O_CLOEXEC)
