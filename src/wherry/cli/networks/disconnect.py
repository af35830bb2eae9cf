"""wherry network disconnect"""

from wherry.cli.context import Context
from wherry.cli.flags import Boolean, FlagSet, Syntax

SYNTAX = Syntax("[OPTIONS] NETWORK CONTAINER", least=2, most=2)


class Flags(FlagSet):
    force = Boolean("f", "Force the container to disconnect from a network")


def run(flags: Flags, context: Context) -> None:
    from wherry.engine.networks.connect import disconnect_network  # --help does without the engine

    network, container = flags.operands
    disconnect_network(context.engine, network, container, force=flags.force)
