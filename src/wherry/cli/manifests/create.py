"""wherry manifest create"""

from wherry.cli.context import Context
from wherry.cli.flags import Boolean, FlagSet, Syntax

SYNTAX = Syntax("MANIFEST_LIST MANIFEST [MANIFEST...]", least=2, most=None)


class Flags(FlagSet):
    amend = Boolean("a", "Amend an existing manifest list")
    insecure = Boolean("", "Allow communication with an insecure registry")


def run(flags: Flags, context: Context) -> None:
    from wherry.engine.manifests.create import create_manifest_list  # HTTP and TLS

    name, *images = flags.operands
    made = create_manifest_list(name, images, amend=flags.amend, insecure=flags.insecure)
    context.out(f"Created manifest list {made.full}")
