"""wherry volume export"""

from wherry.cli.context import Context
from wherry.cli.files import refuse_terminal, write_archive
from wherry.cli.flags import FlagSet, String, Syntax

SYNTAX = Syntax("[OPTIONS] VOLUME", least=1, most=1)


class Flags(FlagSet):
    output = String("o", "Write to a file, instead of STDOUT")


def run(flags: Flags, context: Context) -> None:
    from wherry.engine.volumes.content import export_volume  # --help does without the engine

    refuse_terminal(flags.output)
    pieces = export_volume(context.engine, flags.operands[0])
    write_archive(flags.output, pieces, "volume")
