"""wherry-runtime checkpoint and restore: refused, whatever is asked of them."""

import argparse
from argparse import ArgumentParser, Namespace
from typing import NoReturn

from wherry.errors import Unsupported


class CheckpointUnsupported(Unsupported):
    def __init__(self) -> None:
        super().__init__("checkpoint and restore are not supported: this runtime has no CRIU")


def arguments(parser: ArgumentParser) -> None:
    parser.add_argument("words", nargs="*", help=argparse.SUPPRESS)
    parser.set_defaults(takes_anything=True)


def run(_options: Namespace) -> NoReturn:
    raise CheckpointUnsupported
