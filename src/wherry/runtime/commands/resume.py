"""wherry-runtime resume: let the processes of a paused container go on."""

from argparse import ArgumentParser, Namespace

from wherry.runtime.commands.folders import InWrongState, folder_of
from wherry.runtime.state import cgroup_of


def arguments(parser: ArgumentParser) -> None:
    parser.add_argument("id")


def run(options: Namespace) -> None:
    state = folder_of(options).load()
    cgroup = cgroup_of(state)
    # Asked of the cgroup: a container that was paused before its start is both.
    if not cgroup.frozen:
        raise InWrongState("container not paused")
    cgroup.thaw()
