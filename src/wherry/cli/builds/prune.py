"""wherry builder prune"""

from wherry.cli.context import Context
from wherry.cli.flags import Boolean, Filters, FlagSet, Syntax
from wherry.cli.number_flags import Bytes
from wherry.cli.units import human_size

SYNTAX = Syntax("[OPTIONS]")
_DANGLING = "WARNING! This will remove all dangling build cache."
_ALL = "WARNING! This will remove all build cache."


class Flags(FlagSet):
    all = Boolean("a", "Remove all unused build cache, not just dangling ones")
    filter = Filters("", 'Provide filter values (e.g. "until=24h")')
    force = Boolean("f", "Do not prompt for confirmation")
    keep_storage = Bytes(
        "",
        "Amount of disk space to keep for cache",
        deprecated="use --reserved-space instead",
    )
    max_used_space = Bytes("", "Maximum amount of disk space allowed to keep for cache")
    min_free_space = Bytes("", "Target amount of free disk space after pruning")
    reserved_space = Bytes("", "Amount of disk space always allowed to keep for cache")


def run(flags: Flags, context: Context) -> None:
    from wherry.engine.builds.prune import prune_cache  # --help does without the engine

    if not flags.force:
        question = "Are you sure you want to continue?"
        context.out(_ALL if flags.all else _DANGLING)
        if not context.confirmed(question):
            return
    pruned = prune_cache(
        context.engine,
        flags.filter,
        everything=flags.all,
        reserved_space=flags.reserved_space or flags.keep_storage,
        max_used_space=flags.max_used_space,
        min_free_space=flags.min_free_space,
    )
    if pruned.entries:
        names = (entry.id for entry in pruned.entries)
        context.out("\n".join(("Deleted build cache objects:", *names, "")))
    context.out(f"Total reclaimed space: {human_size(pruned.space_reclaimed)}")
