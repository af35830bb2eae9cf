"""wherry bootstrap"""

from wherry.cli.context import Context
from wherry.cli.flags import FlagSet, String, Syntax

SYNTAX = Syntax(
    "[OPTIONS] NAME[:TAG]",
    least=1,
    most=1,
    description=(
        "Make a base image without a registry.\n\n"
        "busybox is made from the machine's static busybox."
    ),
)


class Flags(FlagSet):
    tag = String("t", "Name of the image (default: as it is asked for)")


def run(flags: Flags, context: Context) -> None:
    from wherry.engine.images.bootstrap import bootstrap_image  # --help does without the engine

    context.out(str(bootstrap_image(context.engine, flags.operands[0], flags.tag)))
