"""wherry export"""

from wherry.cli.context import Context, is_terminal
from wherry.cli.files import write_file, write_out
from wherry.cli.flags import FlagSet, String, Syntax
from wherry.errors import InvalidArgument

SYNTAX = Syntax("[OPTIONS] CONTAINER", least=1, most=1)


class Flags(FlagSet):
    output = String("o", "Write to a file, instead of STDOUT")


def run(flags: Flags, context: Context) -> None:
    from wherry.engine.containers.export import export_container  # --help does without the engine

    if not flags.output and is_terminal(1):
        raise InvalidArgument(
            "cowardly refusing to save to a terminal. Use the -o flag or redirect"
        )
    pieces = export_container(context.engine, flags.operands[0])
    if flags.output:
        write_file(flags.output, pieces, "failed to export container")
    else:
        write_out(pieces)
