"""wherry save"""

from wherry.cli.context import Context
from wherry.cli.files import refuse_terminal, write_archive
from wherry.cli.flags import FlagSet, String, Syntax

SYNTAX = Syntax("[OPTIONS] IMAGE [IMAGE...]", least=1, most=None)


class Flags(FlagSet):
    format = String("", 'Form of the archive ("docker", "oci")', default="docker")
    output = String("o", "Write to a file, instead of STDOUT")
    platform = String("", 'Save only the given platform. Formatted as "os[/arch[/variant]]"')


def run(flags: Flags, context: Context) -> None:
    from wherry.engine.images.save import parse_form, save_images  # --help does without it
    from wherry.oci.platform import Platform

    form = parse_form(flags.format)
    platform = Platform.parse(flags.platform) if flags.platform else None
    refuse_terminal(flags.output)
    pieces = save_images(context.engine, flags.operands, platform=platform, form=form)
    write_archive(flags.output, pieces, "failed to save image")
