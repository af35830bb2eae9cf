"""wherry-runtime create: make a container from a bundle; its program waits for `start`."""

import os
import socket
import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path

from wherry.errors import InvalidArgument
from wherry.linux.files import write_atomically
from wherry.runtime import operations
from wherry.runtime.commands.folders import folder_of
from wherry.runtime.create import Created


def arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--bundle", "-b", default=".", help="default: the current directory")
    parser.add_argument("--console-socket", default="", help="takes the terminal's descriptor")
    parser.add_argument("--pid-file", default="", help="where to write the pid")
    parser.add_argument("--no-pivot", action="store_true", help="for a root on a ramdisk")
    parser.add_argument("--no-new-keyring", action="store_true", help="keep the caller's keyring")
    parser.add_argument("--preserve-fds", type=int, default=0, help="further descriptors to pass")
    parser.add_argument("id")


def run(options: Namespace) -> None:
    operations.create(
        folder_of(options),
        Path(options.bundle).absolute(),
        pivots=not options.no_pivot,
        new_keyring=not options.no_new_keyring,
        keeps_descriptors=kept_descriptors(options),
        asks_systemd=options.systemd_cgroup,
        publish=lambda created: publish(created, options),
    )


def kept_descriptors(options: Namespace) -> int:
    """How many beyond the standard ones go to the program: also those of socket activation."""
    listening = os.environ.get("LISTEN_FDS", "")
    return int(options.preserve_fds) + (int(listening) if listening.isdecimal() else 0)


def publish(created: Created, options: Namespace) -> None:
    """Hand out the terminal, and the pid in a file, as the caller asked."""
    for warning in created.warnings:
        print(f"warning: {warning}", file=sys.stderr)
    if created.console is not None:
        if not options.console_socket:
            raise InvalidArgument("cannot allocate tty if --console-socket is not given")
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
            client.connect(options.console_socket)
            socket.send_fds(client, [b"/dev/ptmx"], [created.console])
        os.close(created.console)
        created.console = None
    if options.pid_file:
        write_atomically(options.pid_file, str(created.pid).encode(), durable=False)
