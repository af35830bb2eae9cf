"""wherry stop"""

from wherry.cli.containers.stop_flags import StopFlags as Flags
from wherry.cli.context import Context
from wherry.cli.flags import Syntax

SYNTAX = Syntax("[OPTIONS] CONTAINER [CONTAINER...]", least=1, most=None)


def run(flags: Flags, context: Context) -> None:
    # --help does without the engine
    from wherry.engine.containers.stop import stop_container

    timeout = flags.seconds()
    context.for_each(
        flags.operands,
        lambda name: stop_container(context.engine, name, signal=flags.signal, timeout=timeout),
    )
