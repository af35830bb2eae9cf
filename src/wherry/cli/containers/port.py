"""wherry port"""

from wherry.cli.context import Context
from wherry.cli.flags import FlagSet, Syntax

SYNTAX = Syntax("CONTAINER [PRIVATE_PORT[/PROTO]]", least=1, most=2)


class Flags(FlagSet):
    pass


def run(flags: Flags, context: Context) -> None:
    from wherry.engine.containers.port import port_mappings  # --help does without the engine

    name, *private = flags.operands
    for port in port_mappings(context.engine, name, *private):
        host, number = port.host_end
        place = f"[{host}]:{number}" if ":" in host else f"{host}:{number}"
        context.out(place if private else f"{port.container_port}/{port.protocol} -> {place}")
