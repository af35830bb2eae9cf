"""The process of an exec, from its fork to the user's program inside a running container.

Between joining the namespaces and execve it is the host's interpreter among the container's
processes: it is not dumpable (so neither traced nor looked into through /proc, CVE-2016-9962),
holds no descriptor of the host but its standard ones and the channel, and stands in the
container's own root.
"""

import os

from wherry.linux.cgroup.manager import CgroupManager
from wherry.linux.namespaces import CloneFlag, join_namespace
from wherry.linux.openat import opened
from wherry.oci.runtime_spec import Process
from wherry.runtime.init.channel import Channel, Kind
from wherry.runtime.init.console import open_console
from wherry.runtime.init.main import (
    become_program,
    close_callers_descriptors,
    enter_cgroup,
    run_stage,
)
from wherry.runtime.init.process import Confinement, LabelFiles, run_on, write_oom_score
from wherry.runtime.init.steps import step
from wherry.runtime.init.users import become_root, go_on_as_sibling
from wherry.runtime.namespaces import OF_CHILDREN
from wherry.runtime.stdio import Stdio
from wherry.typed import NoReturn
from wherry.values import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class JoinPlan:
    """What the new process works from. `pidfd` is of the container's first process."""

    pidfd: int
    namespaces: int  # CloneFlags to join
    process: Process
    confinement: Confinement
    stdio: Stdio | None
    keeps_descriptors: int = 0
    cgroup: CgroupManager | None = None
    beside: int | None = None  # the host's number of the container's first process


def run_join(plan: JoinPlan, channel: Channel) -> NoReturn:
    """Become the user's process. Returns by execve, or ends after telling why not."""

    def work() -> None:
        close_callers_descriptors(channel, plan.stdio, {plan.pidfd}, plan.keeps_descriptors)
        affinity = plan.process.exec_cpu_affinity
        run_on(affinity.initial if affinity else "")
        enter_cgroup(plan.cgroup, plan.beside)
        run_on(affinity.final if affinity else "")
        write_oom_score(plan.process.oom_score_adj)
        labels = LabelFiles(plan.process)
        with step("joining namespaces"):
            join_namespace(plan.pidfd, plan.namespaces)
        os.close(plan.pidfd)
        if plan.namespaces & CloneFlag.NEWUSER:
            become_root()
        if plan.namespaces & OF_CHILDREN:
            go_on_as_sibling(channel)
        terminal = _make_terminal(plan, channel)
        become_program(plan.process, plan.confinement, labels, terminal, channel, _go_on)

    run_stage(work, channel)


def _go_on() -> None:
    """Nobody has anything to do between READY and the program."""


def _make_terminal(plan: JoinPlan, channel: Channel) -> int | None:
    if not plan.process.terminal:
        return None
    with step("error creating console"):
        with opened(os.open("/", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)) as root:
            master, terminal = open_console(root, plan.process.console_size)
        channel.send(Kind.CONSOLE, master)
        os.close(master)
    return terminal
