"""wherry history"""

import time

from wherry.cli.context import Context
from wherry.cli.flags import Boolean, FlagSet, String, Syntax
from wherry.cli.listing import FORMAT_HELP, print_rows
from wherry.cli.units import human_duration, human_size

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

SYNTAX = Syntax("[OPTIONS] IMAGE", least=1, most=1)
TITLES = {
    "ID": "IMAGE",
    "CreatedSince": "CREATED",
    "CreatedAt": "CREATED AT",
    "CreatedBy": "CREATED BY",
    "Size": "SIZE",
    "Comment": "COMMENT",
}
_TABLE = "{{.ID}}\t{{.CreatedSince}}\t{{.CreatedBy}}\t{{.Size}}\t{{.Comment}}"
_LONGEST = 45
_SHORT = 12


class Flags(FlagSet):
    format = String("", FORMAT_HELP)
    human = Boolean("H", "Print sizes and dates in human readable format", default="true")
    no_trunc = Boolean("", "Don't truncate output")
    platform = String("", 'Show history for the given platform. Formatted as "os[/arch[/variant]]"')
    quiet = Boolean("q", "Only show image IDs")


def run(flags: Flags, context: Context) -> None:
    from wherry.engine.images.history import image_history  # --help does without the engine
    from wherry.oci.platform import Platform

    platform = Platform.parse(flags.platform) if flags.platform else None
    entries: list[dict[str, Any]] = image_history(
        context.engine, flags.operands[0], platform=platform
    )
    rows = [_row(entry, human=flags.human, whole=flags.no_trunc) for entry in entries]
    if flags.quiet and not flags.format:
        for row in rows:
            context.out(str(row["ID"]))
        return
    print_rows(
        context,
        rows,
        chosen=flags.format,
        titles=TITLES,
        default=_TABLE if flags.human else _TABLE.replace("Since", "At"),
        kind="*image.historyContext",
    )


def _row(entry: "dict[str, Any]", *, human: bool, whole: bool) -> dict[str, object]:
    created = entry["Created"]
    identifier = entry["Id"] if whole else entry["Id"].removeprefix("sha256:")[:_SHORT]
    command = entry["CreatedBy"].replace("\t", " ")
    at = time.strftime("%Y-%m-%dT%H:%M:%S%z", time.localtime(max(created, 0)))
    since = f"{human_duration(time.time() - created)} ago" if created > 0 else "N/A"
    return {
        "Comment": entry["Comment"],
        "CreatedAt": at[:-5] + ("Z" if at.endswith("+0000") else f"{at[-5:-2]}:{at[-2:]}"),
        "CreatedBy": command if whole or len(command) <= _LONGEST else command[:44] + "…",
        "CreatedSince": since,
        "ID": identifier,
        "Size": human_size(entry["Size"], 3) if human else str(entry["Size"]),
    }
