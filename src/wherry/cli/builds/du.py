"""wherry builder du"""

import time

from wherry.cli.context import Context
from wherry.cli.flags import Boolean, Filters, FlagSet, Syntax
from wherry.cli.tables import table_lines
from wherry.cli.units import human_duration, human_size

TYPE_CHECKING = False
if TYPE_CHECKING:
    from wherry.engine.builds.usage import CacheEntry

SYNTAX = Syntax("[OPTIONS]")
TITLES = ("ID", "RECLAIMABLE", "SIZE", "LAST ACCESSED")


class Flags(FlagSet):
    filter = Filters("", "Provide filter values")
    verbose = Boolean("", "Provide a more verbose output")


def run(flags: Flags, context: Context) -> None:
    from wherry.engine.builds.prune import matching
    from wherry.engine.builds.usage import cache_usage

    usage = matching(cache_usage(context.engine), flags.filter)
    if flags.verbose:
        for entry in usage.entries:
            _print_entry(entry, context)
    elif usage.entries:
        rows = [_row(entry) for entry in usage.entries]
        for line in table_lines([TITLES, *rows]):
            context.out(line)
    shared = usage.total - usage.reclaimable
    context.out(f"Shared:\t\t{human_size(shared)}")
    context.out(f"Private:\t{human_size(usage.reclaimable)}")
    context.out(f"Reclaimable:\t{human_size(usage.reclaimable)}")
    context.out(f"Total:\t\t{human_size(usage.total)}")


def _row(entry: "CacheEntry") -> tuple[str, ...]:
    return (
        entry.id,
        "false" if entry.shared else "true",
        human_size(entry.size) + ("*" if entry.shared else ""),
        _ago(entry.used_ns),
    )


def _ago(moment_ns: int) -> str:
    return human_duration(time.time() - moment_ns / 1e9) + " ago"


def _print_entry(entry: "CacheEntry", context: Context) -> None:
    for title, value in (
        ("ID", entry.id),
        ("Parents", ", ".join(entry.parents)),
        (
            "Created at",
            time.strftime("%Y-%m-%d %H:%M:%S %z", time.localtime(entry.created_ns / 1e9)),
        ),
        ("Mutable", "true" if entry.folder is not None else "false"),
        ("Reclaimable", "false" if entry.shared else "true"),
        ("Shared", "true" if entry.shared else "false"),
        ("Size", human_size(entry.size)),
        ("Description", entry.description),
        ("Usage count", str(entry.uses)),
        ("Last used", _ago(entry.used_ns)),
        ("Type", entry.kind),
    ):
        if value:
            context.out(f"{title + ':':<16}{value}")
    context.out("")
