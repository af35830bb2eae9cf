"""wherry manifest push"""

from wherry.cli.context import Context
from wherry.cli.flags import Boolean, FlagSet, Syntax

SYNTAX = Syntax("[OPTIONS] MANIFEST_LIST", least=1, most=1)


class Flags(FlagSet):
    insecure = Boolean("", "Allow push to an insecure registry")
    purge = Boolean("p", "Remove the local manifest list after push")


def run(flags: Flags, context: Context) -> None:
    from wherry.engine.manifests.push import push_manifest_list  # HTTP and TLS

    digest = push_manifest_list(
        flags.operands[0], purge=flags.purge, insecure=flags.insecure, tell=context.out
    )
    context.out(str(digest))
