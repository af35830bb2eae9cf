"""wherry-runtime state: a container's state, as the runtime specification has it."""

import json
from argparse import ArgumentParser, Namespace

from wherry.runtime import operations
from wherry.runtime.commands.folders import folder_of


def arguments(parser: ArgumentParser) -> None:
    parser.add_argument("id")


def run(options: Namespace) -> None:
    folder = folder_of(options)
    print(json.dumps(operations.document(folder, folder.load()), indent=2))
