"""wherry-runtime kill: send a signal to a container."""

import signal
from argparse import ArgumentParser, Namespace

from wherry.errors import InvalidArgument
from wherry.runtime import operations
from wherry.runtime.commands.folders import folder_of


def arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--all", "-a", action="store_true", help="to all of its processes")
    parser.add_argument("id")
    parser.add_argument("signal", nargs="?", default="SIGTERM")


def run(options: Namespace) -> None:
    operations.kill(folder_of(options), _signal_number(options.signal), everyone=options.all)


def _signal_number(text: str) -> int:
    if text.isdecimal() and 0 <= int(text) < signal.NSIG:
        return int(text)
    name = text.upper()
    try:
        return signal.Signals[name if name.startswith("SIG") else f"SIG{name}"]
    except KeyError:
        raise InvalidArgument(f"unknown signal {text!r}") from None
