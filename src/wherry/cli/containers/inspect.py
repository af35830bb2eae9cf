"""wherry container inspect"""

from wherry.cli.context import Context
from wherry.cli.flags import Boolean, FlagSet, String, Syntax
from wherry.cli.inspection import FORMAT_HELP, print_documents

SYNTAX = Syntax("[OPTIONS] CONTAINER [CONTAINER...]", least=1, most=None)


class Flags(FlagSet):
    format = String("f", FORMAT_HELP)
    size = Boolean("s", "Display total file sizes")


def run(flags: Flags, context: Context) -> None:
    # --help does without the engine
    from wherry.engine.containers.inspect import inspect_container

    print_documents(
        context,
        flags.operands,
        lambda name: inspect_container(context.engine, name, size=flags.size),
        flags.format,
    )
