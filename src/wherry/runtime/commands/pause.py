"""wherry-runtime pause: stop all processes of a container where they are."""

from argparse import ArgumentParser, Namespace

from wherry.runtime.commands.folders import InWrongState, folder_of
from wherry.runtime.state import cgroup_of


def arguments(parser: ArgumentParser) -> None:
    parser.add_argument("id")


def run(options: Namespace) -> None:
    folder = folder_of(options)
    state = folder.load()
    if folder.status(state) not in ("created", "running"):
        raise InWrongState("container not running")
    cgroup_of(state).freeze()
