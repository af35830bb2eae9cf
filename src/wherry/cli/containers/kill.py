"""wherry kill"""

from wherry.cli.context import Context
from wherry.cli.flags import FlagSet, String, Syntax

SYNTAX = Syntax("[OPTIONS] CONTAINER [CONTAINER...]", least=1, most=None)


class Flags(FlagSet):
    signal = String("s", "Signal to send to the container")


def run(flags: Flags, context: Context) -> None:
    # --help does without the engine
    from wherry.engine.containers.kill import kill_container

    context.for_each(
        flags.operands,
        lambda name: kill_container(context.engine, name, flags.signal or "KILL"),
    )
