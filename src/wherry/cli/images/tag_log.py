"""wherry tag log"""

from wherry.cli.context import Context
from wherry.cli.flags import Boolean, FlagSet, String, Syntax
from wherry.cli.listing import FORMAT_HELP, print_rows

SYNTAX = Syntax("[OPTIONS] NAME[:TAG]", least=1, most=1)
TITLES = {"Time": "TIME", "ID": "IMAGE ID", "Reason": "REASON"}
_TABLE = "{{.Time}}\t{{.ID}}\t{{.Reason}}"


class Flags(FlagSet):
    format = String("", FORMAT_HELP)
    no_trunc = Boolean("", "Don't truncate output")


def run(flags: Flags, context: Context) -> None:
    from wherry.engine.images.tag import tag_log  # --help does without the engine
    from wherry.oci.timestamps import format_timestamp

    rows = []
    for move in tag_log(context.engine, flags.operands[0]):
        image = move.image_id
        shown = "<none>" if image is None else str(image) if flags.no_trunc else image.short
        rows.append({"ID": shown, "Reason": move.reason, "Time": format_timestamp(move.time_ns)})
    print_rows(context, rows, chosen=flags.format, titles=TITLES, default=_TABLE)
