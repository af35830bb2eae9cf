"""wherry stop"""

from wherry.cli.context import Context
from wherry.cli.flags import FlagSet, Integer, String, Syntax
from wherry.errors import WherryError

SYNTAX = Syntax("[OPTIONS] CONTAINER [CONTAINER...]", least=1, most=None)


class Flags(FlagSet):
    signal = String("s", "Signal to send to the container")
    timeout = Integer("t", "Seconds to wait before killing the container")
    time = Integer("", "Seconds to wait before killing the container", deprecated="use --timeout")


def run(flags: Flags, context: Context) -> None:
    # --help does without the engine
    from wherry.engine.containers.stop import stop_container

    timeout: float | None = None
    if flags.given("timeout"):
        timeout = flags.timeout
    elif flags.given("time"):
        timeout = flags.time

    for name in flags.operands:
        try:
            stop_container(context.engine, name, signal=flags.signal, timeout=timeout)
        except WherryError as error:
            context.fail(error)  # and go on: the other names were asked for too
        else:
            context.out(name)
