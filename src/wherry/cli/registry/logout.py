"""wherry logout"""

from wherry.cli.context import Context
from wherry.cli.flags import FlagSet, Syntax

SYNTAX = Syntax(
    "[SERVER]",
    most=1,
    description="Log out from a registry.\nIf no server is specified, the default is Docker Hub.",
)


class Flags(FlagSet):
    pass


def run(flags: Flags, context: Context) -> None:
    from wherry.engine.registry.login import logout  # HTTP and TLS

    server = logout(flags.operands[0] if flags.operands else "")
    context.out(f"Removing login credentials for {server}")
