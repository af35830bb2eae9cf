"""wherry-runtime start: let a created container run its program."""

from argparse import ArgumentParser, Namespace

from wherry.runtime import operations
from wherry.runtime.commands.folders import folder_of


def arguments(parser: ArgumentParser) -> None:
    parser.add_argument("id")


def run(options: Namespace) -> None:
    operations.start(folder_of(options))
