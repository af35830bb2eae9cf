"""wherry-runtime ps: the processes of a container."""

import argparse
import json
from argparse import ArgumentParser, Namespace

from wherry.runtime.commands.folders import folder_of
from wherry.runtime.processes import DEFAULT_OPTIONS, list_processes
from wherry.runtime.state import cgroup_of


def arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--format", "-f", choices=("json", "table"), default="table")
    parser.add_argument("id")
    parser.add_argument("options", nargs=argparse.REMAINDER, help="of ps; default: -ef")


def run(options: Namespace) -> None:
    pids = cgroup_of(folder_of(options).load()).processes()
    if options.format == "json":
        print(json.dumps(pids, separators=(",", ":")))
        return
    words = [word for word in options.options if word != "--"] or DEFAULT_OPTIONS
    for line in list_processes(pids, words):
        print(line)
