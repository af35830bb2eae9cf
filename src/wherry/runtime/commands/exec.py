"""wherry-runtime exec: run another process in a container."""

import argparse
import json
import os
from argparse import ArgumentParser, Namespace
from pathlib import Path

from wherry.errors import InvalidArgument
from wherry.oci.codec import from_json
from wherry.oci.runtime_spec import Capabilities, ConsoleSize, Process, User
from wherry.runtime import operations
from wherry.runtime.commands.create import kept_descriptors, publish
from wherry.runtime.commands.folders import exit_status, folder_of
from wherry.runtime.state import ContainerFolder
from wherry.values import replace


def arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--process", "-p", default="", help="a file that says all of it")
    parser.add_argument("--detach", "-d", action="store_true", help="do not wait for its end")
    parser.add_argument("--tty", "-t", action="store_true", help="give it a terminal")
    parser.add_argument("--console-socket", default="", help="takes the terminal's descriptor")
    parser.add_argument("--pid-file", default="", help="where to write the pid")
    parser.add_argument("--cwd", default="", help="working directory")
    parser.add_argument("--env", "-e", action="append", default=[], help="NAME=value")
    parser.add_argument("--user", "-u", default="", help="UID[:GID]")
    parser.add_argument("--additional-gids", "-g", type=int, action="append", default=[])
    parser.add_argument("--cap", "-c", action="append", default=[], help="a capability to add")
    parser.add_argument("--no-new-privs", action="store_true")
    parser.add_argument("--process-label", default="", help="SELinux label")
    parser.add_argument("--apparmor", default="", help="AppArmor profile")
    parser.add_argument("--cgroup", default="", help="refused: it joins the container's own")
    parser.add_argument("--ignore-paused", action="store_true", help="also in a paused container")
    parser.add_argument("--preserve-fds", type=int, default=0, help="further descriptors to pass")
    parser.add_argument("id")
    parser.add_argument("arguments", nargs=argparse.REMAINDER)


def run(options: Namespace) -> int:
    if options.cgroup:
        raise InvalidArgument("--cgroup is not supported: a process joins the container's own")
    folder = folder_of(options)
    created = operations.exec_in(
        folder,
        _process(options, folder),
        keeps_descriptors=kept_descriptors(options),
        ignores_pause=options.ignore_paused,
    )
    try:
        publish(created, options)
    except BaseException:
        created.abort()
        raise
    if options.detach:
        return 0
    return exit_status(os.waitpid(created.pid, 0)[1])


def _process(options: Namespace, folder: ContainerFolder) -> Process:
    if options.process:
        return from_json(Process, json.loads(Path(options.process).read_bytes()))
    words = options.arguments[1:] if options.arguments[:1] == ["--"] else options.arguments
    if not words:
        raise InvalidArgument("exec needs a process.json or a command")
    base = folder.load().spec.process
    assert base is not None
    size = os.get_terminal_size() if options.tty and os.isatty(0) else None
    return replace(
        base,
        cwd=options.cwd or base.cwd,
        args=tuple(words),
        env=(*base.env, *options.env),
        terminal=options.tty,
        console_size=ConsoleSize(height=size.lines, width=size.columns) if size else None,
        user=_user(options, base.user),
        capabilities=_capabilities(options.cap, base.capabilities),
        no_new_privileges=options.no_new_privs or base.no_new_privileges,
        apparmor_profile=options.apparmor or base.apparmor_profile,
        selinux_label=options.process_label or base.selinux_label,
        scheduler=None,
        io_priority=None,
    )


def _user(options: Namespace, base: User) -> User:
    uid, _, gid = options.user.partition(":")
    for number in filter(None, (uid, gid)):
        if not number.isdecimal():
            raise InvalidArgument(f"parsing {number!r} as int for user failed: invalid syntax")
    return replace(
        base,
        uid=int(uid) if uid else base.uid,
        gid=int(gid) if gid else base.gid,
        additional_gids=(*base.additional_gids, *options.additional_gids),
    )


def _capabilities(added: list[str], base: Capabilities | None) -> Capabilities | None:
    if not added:
        return base
    held = base or Capabilities()
    return replace(
        held,
        bounding=(*held.bounding, *added),
        effective=(*held.effective, *added),
        permitted=(*held.permitted, *added),
    )
