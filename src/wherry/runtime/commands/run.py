"""wherry-runtime run: create, start, wait, delete."""

import os
import signal
from argparse import ArgumentParser, Namespace

from wherry.linux.process import become_subreaper
from wherry.runtime import operations
from wherry.runtime.commands import create
from wherry.runtime.commands.folders import exit_status, folder_of

_PASSED_ON = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)


def arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--detach", "-d", action="store_true", help="do not wait for its end")
    parser.add_argument("--keep", action="store_true", help="do not delete it when it has ended")
    parser.add_argument("--no-subreaper", action="store_true", help="adopt no orphans of it")
    create.arguments(parser)


def run(options: Namespace) -> int:
    if not (options.detach or options.no_subreaper):
        become_subreaper()
    create.run(options)
    folder = folder_of(options)
    pid = folder.load().pid
    try:
        operations.start(folder)
        if options.detach:
            return 0
        for number in _PASSED_ON:
            signal.signal(number, lambda number, _frame: os.kill(pid, number))
        status = exit_status(os.waitpid(pid, 0)[1])
    except BaseException:
        operations.delete(folder, force=True)
        raise
    if not options.keep:
        operations.delete(folder, force=True)
    return status
