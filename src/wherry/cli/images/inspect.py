"""wherry image inspect"""

from wherry.cli.context import Context
from wherry.cli.flags import FlagSet, String, Syntax
from wherry.cli.inspection import FORMAT_HELP, print_documents

SYNTAX = Syntax("[OPTIONS] IMAGE [IMAGE...]", least=1, most=None)


class Flags(FlagSet):
    format = String("f", FORMAT_HELP)
    platform = String("", 'Inspect the given platform. Formatted as "os[/arch[/variant]]"')


def run(flags: Flags, context: Context) -> None:
    from wherry.engine.images.inspect import inspect_image  # --help does without the engine
    from wherry.oci.platform import Platform

    platform = Platform.parse(flags.platform) if flags.platform else None
    print_documents(
        context,
        flags.operands,
        lambda name: inspect_image(context.engine, name, platform=platform),
        flags.format,
    )
