"""wherry-runtime delete: remove what is left of a container."""

from argparse import ArgumentParser, Namespace

from wherry.errors import NotFound
from wherry.runtime import operations
from wherry.runtime.commands.folders import folder_of


def arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--force", "-f", action="store_true", help="end it first if it runs")
    parser.add_argument("id")


def run(options: Namespace) -> None:
    try:
        operations.delete(folder_of(options), force=options.force)
    except NotFound:
        if not options.force:
            raise
