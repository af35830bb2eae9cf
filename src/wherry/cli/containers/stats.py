"""wherry stats"""

import time

from wherry.cli.client_config import user_setting
from wherry.cli.context import Context, is_terminal
from wherry.cli.flags import Boolean, FlagSet, String, Syntax
from wherry.cli.listing import FORMAT_HELP, print_rows
from wherry.cli.units import bytes_size, human_size
from wherry.errors import NotFound

TYPE_CHECKING = False
if TYPE_CHECKING:
    from wherry.engine.documents.stats import Sample
    from wherry.store.containers import Container

SYNTAX = Syntax("[OPTIONS] [CONTAINER...]", most=None)
TITLES = {
    "BlockIO": "BLOCK I/O",
    "CPUPerc": "CPU %",
    "Container": "CONTAINER",
    "ID": "CONTAINER ID",
    "MemPerc": "MEM %",
    "MemUsage": "MEM USAGE / LIMIT",
    "Name": "NAME",
    "NetIO": "NET I/O",
    "PIDs": "PIDS",
}
_TABLE = (
    "{{.ID}}\t{{.Name}}\t{{.CPUPerc}}\t{{.MemUsage}}\t{{.MemPerc}}\t{{.NetIO}}\t{{.BlockIO}}"
    "\t{{.PIDs}}"
)
_KIND = "*container.statsContext"
_INTERVAL = 1.0  # seconds between the two samples that a share of the processors needs
_CLEAR = "\033[H\033[2J"
_SHORT = 12


class Flags(FlagSet):
    all = Boolean("a", "Show all containers (default shows just running)")
    format = String("", FORMAT_HELP)
    no_stream = Boolean("", "Disable streaming stats and only pull the first result")
    no_trunc = Boolean("", "Do not truncate output")


def run(flags: Flags, context: Context) -> None:
    format_ = flags.format or user_setting(context, "statsFormat")
    before: dict[str, Sample] = {}
    while True:
        chosen = _chosen(flags, context)
        before = before or _samples(chosen)
        time.sleep(_INTERVAL)
        chosen = _chosen(flags, context)
        now = _samples(chosen)
        rows = [
            _row(name, container, before, now, whole=flags.no_trunc)
            for name, container in chosen.items()
        ]
        if not flags.no_stream and is_terminal(1):
            context.write(_CLEAR)
        print_rows(context, rows, chosen=format_, titles=TITLES, default=_TABLE, kind=_KIND)
        context.flush()
        if flags.no_stream:
            return
        before = now


def _chosen(flags: Flags, context: Context) -> "dict[str, Container]":
    """The containers, by the names they were asked for by."""
    # --help does without the engine
    from wherry.engine.containers.list import select_containers
    from wherry.store.containers import find_container

    if not flags.operands:
        every = select_containers(context.engine, all_states=flags.all)
        return {container.id[:_SHORT]: container for container in every}
    found = {}
    for name in flags.operands:
        try:
            found[name] = find_container(context.engine.store, name)
        except NotFound:
            if flags.no_stream or len(flags.operands) == 1:
                raise
    return found


def _samples(chosen: "dict[str, Container]") -> "dict[str, Sample]":
    from wherry.engine.containers.stats import sample_container

    taken = ((container.id, sample_container(container)) for container in chosen.values())
    return {identifier: sample for identifier, sample in taken if sample is not None}


def _row(
    name: str,
    container: "Container",
    before: "dict[str, Sample]",
    now: "dict[str, Sample]",
    *,
    whole: bool,
) -> dict[str, object]:
    from wherry.engine.documents.stats import stats_document, usage_of

    identifier = container.id if whole else container.id[:_SHORT]
    row: dict[str, object] = {"Container": name, "ID": identifier, "Name": container.name}
    sample = now.get(container.id)
    if sample is None:  # it does not run
        return {
            **row,
            **dict.fromkeys(("CPUPerc", "MemPerc"), "0.00%"),
            **dict.fromkeys(("MemUsage", "NetIO", "BlockIO"), "0B / 0B"),
            "PIDs": "0",
        }
    usage = usage_of(stats_document(container.id, container.name, sample, before.get(container.id)))
    return {
        **row,
        "BlockIO": f"{human_size(usage.block_read, 3)} / {human_size(usage.block_written, 3)}",
        "CPUPerc": f"{usage.cpu_percent:.2f}%",
        "MemPerc": f"{usage.memory_percent:.2f}%",
        "MemUsage": f"{bytes_size(usage.memory)} / {bytes_size(usage.memory_limit)}",
        "NetIO": f"{human_size(usage.received, 3)} / {human_size(usage.sent, 3)}",
        "PIDs": str(usage.pids),
    }
