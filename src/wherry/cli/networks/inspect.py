"""wherry network inspect"""

from wherry.cli.context import Context
from wherry.cli.flags import Boolean, FlagSet, String, Syntax
from wherry.cli.inspection import FORMAT_HELP, print_documents

SYNTAX = Syntax("[OPTIONS] NETWORK [NETWORK...]", least=1, most=None)


class Flags(FlagSet):
    format = String("f", FORMAT_HELP)
    # What it adds concerns swarms; of a network of this host there is no more to tell.
    verbose = Boolean("v", "Verbose output for diagnostics")


def run(flags: Flags, context: Context) -> None:
    from wherry.engine.networks.inspect import inspect_network  # --help does without the engine

    print_documents(
        context, flags.operands, lambda name: inspect_network(context.engine, name), flags.format
    )
