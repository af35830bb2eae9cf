"""The processes of a container as the host's ps(1) shows them."""

import re
import shlex
from collections.abc import Sequence
from typing import TYPE_CHECKING

from wherry.engine.containers.cgroups import cgroup_path
from wherry.errors import Conflict, InvalidArgument, Unsupported
from wherry.linux.cgroup.manager import open_manager
from wherry.store.containers import Status, find_container
from wherry.values import dataclass

if TYPE_CHECKING:
    from wherry.engine.engine import Engine

_PID_LIST = re.compile(r"-[^-\s]*[pqs]|--pid|--ppid|--sid|--quick-pid")


@dataclass(frozen=True, kw_only=True, slots=True)
class ProcessTable:
    titles: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def container_processes(
    engine: "Engine", name: str, ps_arguments: Sequence[str] = ()
) -> ProcessTable:
    """What `ps` prints, by default `ps -ef`, of the processes inside; with the host's numbers."""
    container = find_container(engine.store, name)
    if not container.status.has_process:
        if container.status is Status.RESTARTING:
            raise Conflict(
                f"Container {container.id} is restarting, wait until the container is running"
            )
        raise Conflict(f"Container {container.id} is not running")
    words = [part for argument in ps_arguments for part in shlex.split(argument)] or ["-ef"]
    inside = open_manager(
        cgroup_path(container.id, container.config.limits.cgroup_parent)
    ).processes()
    # Docker has the kernel do the choosing where the arguments let it; so do we.
    chosen = [] if any(_PID_LIST.match(word) for word in words) else _pid_arguments(inside)
    try:
        output = _ps([*words, *chosen])
    except InvalidArgument:
        if not chosen:
            raise
        output = _ps(words)  # -C and other choices do not go together with ours
    table = parse_process_table(output, frozenset(inside))
    engine.events.publish(
        "container",
        "top",
        container.id,
        {"image": container.details.image_name, "name": container.name, **container.config.labels},
    )
    return table


def parse_process_table(output: str, pids: frozenset[int]) -> ProcessTable:
    """The lines of ps's `output` that are about `pids`. The last column may hold blanks."""
    lines = output.splitlines()
    titles = tuple(lines[0].split()) if lines else ()
    if "PID" not in titles:
        raise InvalidArgument("Couldn't find PID field in ps output")
    column = titles.index("PID")
    rows = []
    for line in lines[1:]:
        fields = line.split(maxsplit=len(titles) - 1)
        if len(fields) > column and fields[column].isdigit() and int(fields[column]) in pids:
            rows.append(tuple(fields))
    return ProcessTable(titles=titles, rows=tuple(rows))


def _pid_arguments(pids: Sequence[int]) -> list[str]:
    return [f"-q{','.join(map(str, pids))}"]


def _ps(arguments: Sequence[str]) -> str:
    import subprocess  # draws in `threading`, which makes every fork dearer

    try:
        result = subprocess.run(
            ["ps", *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )
    except FileNotFoundError as error:
        raise Unsupported(
            "the program ps is not on the PATH", hint="install it: apt-get install procps"
        ) from error
    if result.returncode != 0:
        # It does not like its arguments. The first line says why; how ps is used follows.
        lines = (result.stderr or result.stdout).split("\n", 1)
        raise InvalidArgument(f"ps: {lines[0] or f'exit status {result.returncode}'}")
    return result.stdout
