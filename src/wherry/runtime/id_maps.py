"""Giving a container's user namespace its maps, from outside of it.

Whoever holds the privilege writes them; anybody else maps itself alone, or asks newuidmap(1) and
newgidmap(1) for the ranges that /etc/subuid and /etc/subgid grant.
"""

import os
import subprocess
from collections.abc import Sequence

from wherry.errors import PermissionDenied
from wherry.linux import capabilities
from wherry.linux.idmap import (
    Range,
    forbid_setgroups,
    open_process_folder,
    write_gid_map,
    write_uid_map,
)
from wherry.linux.openat import opened
from wherry.oci.runtime_spec import IDMapping, Linux
from wherry.runtime.errors import ContainerStartFailed
from wherry.runtime.init.channel import reason_of

_STEP = "error mapping user and group IDs"


class MapRefused(PermissionDenied):
    def __init__(self, program: str, problem: str) -> None:
        super().__init__(
            f"{_STEP}: {program}: {problem}",
            hint="/etc/subuid and /etc/subgid say which ranges of IDs a user may map",
        )


def ranges_of(mappings: Sequence[IDMapping]) -> list[Range]:
    return [(m.container_id, m.host_id, m.size) for m in mappings]


def host_id_of_root(mappings: Sequence[IDMapping]) -> int | None:
    """What the container's 0 is outside; None where it has no 0."""
    return next((m.host_id - m.container_id for m in mappings if m.container_id == 0), None)


def write_id_maps(pid: int, linux: Linux) -> None:
    """Give the new user namespace of process `pid` the maps of the configuration."""
    uids, gids = ranges_of(linux.uid_mappings), ranges_of(linux.gid_mappings)
    privileged = capabilities.current().effective & capabilities.SETUID
    try:
        with opened(open_process_folder(pid)) as process:
            if privileged or _is_one(uids, os.geteuid()):
                write_uid_map(process, uids)
            else:
                _ask("newuidmap", pid, uids)
            if privileged:
                write_gid_map(process, gids)
            elif _is_one(gids, os.getegid()):
                # Or a group that denies something to its members could be left: see
                # user_namespaces(7).
                forbid_setgroups(process)
                write_gid_map(process, gids)
            else:
                _ask("newgidmap", pid, gids)
    except OSError as error:
        raise ContainerStartFailed(_STEP, reason_of(error)) from error


def _is_one(ranges: list[Range], own: int) -> bool:
    return len(ranges) == 1 and ranges[0][1:] == (own, 1)


def _ask(program: str, pid: int, ranges: list[Range]) -> None:
    # The one other program on this path: only one that is set-user-ID can grant more than one ID.
    words = [program, str(pid), *(str(number) for one in ranges for number in one)]
    try:
        answer = subprocess.run(
            words, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
        )
    except FileNotFoundError:
        raise MapRefused(program, "executable file not found in $PATH") from None
    if answer.returncode != 0:
        raise MapRefused(program, answer.stderr.strip() or f"exit status {answer.returncode}")
