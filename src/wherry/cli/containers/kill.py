"""wherry kill"""

from wherry.cli.context import Context
from wherry.cli.flags import FlagSet, String, Syntax
from wherry.errors import WherryError

SYNTAX = Syntax("[OPTIONS] CONTAINER [CONTAINER...]", least=1, most=None)


class Flags(FlagSet):
    signal = String("s", "Signal to send to the container")


def run(flags: Flags, context: Context) -> None:
    # --help does without the engine
    from wherry.engine.containers.kill import kill_container

    for name in flags.operands:
        try:
            kill_container(context.engine, name, flags.signal or "KILL")
        except WherryError as error:
            context.fail(error)  # and go on: the other names were asked for too
        else:
            context.out(name)
