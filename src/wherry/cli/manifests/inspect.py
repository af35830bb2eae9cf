"""wherry manifest inspect"""

from wherry.cli.context import Context
from wherry.cli.flags import Boolean, FlagSet, Syntax

SYNTAX = Syntax("[OPTIONS] [MANIFEST_LIST] MANIFEST", least=1, most=2)


class Flags(FlagSet):
    insecure = Boolean("", "Allow communication with an insecure registry")
    verbose = Boolean("v", "Output additional info including layers and platform")


def run(flags: Flags, context: Context) -> None:
    from wherry.engine.manifests.inspect import inspect_manifest  # HTTP and TLS

    *lists, name = flags.operands
    text = inspect_manifest(
        name,
        list_name=lists[0] if lists else "",
        verbose=flags.verbose,
        insecure=flags.insecure,
    )
    context.out(text)
