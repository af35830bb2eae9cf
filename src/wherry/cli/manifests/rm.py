"""wherry manifest rm"""

from wherry.cli.context import Context
from wherry.cli.flags import FlagSet, Syntax
from wherry.errors import WherryError

SYNTAX = Syntax("MANIFEST_LIST [MANIFEST_LIST...]", least=1, most=None)


class Flags(FlagSet):
    pass


def run(flags: Flags, context: Context) -> None:
    from wherry.engine.manifests.drafts import remove_draft  # HTTP and TLS
    from wherry.oci.reference import Reference

    for name in flags.operands:
        try:
            remove_draft(Reference.parse(name).with_default_tag())
        except WherryError as error:
            context.fail(error)  # and go on: the other names were asked for too
