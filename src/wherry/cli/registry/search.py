"""wherry search"""

from wherry.cli.context import Context
from wherry.cli.flags import Boolean, Filters, FlagSet, String, Syntax
from wherry.cli.listing import print_rows
from wherry.cli.number_flags import Integer

SYNTAX = Syntax("[OPTIONS] TERM", least=1, most=1)
TITLES = {
    "Name": "NAME",
    "Description": "DESCRIPTION",
    "StarCount": "STARS",
    "IsOfficial": "OFFICIAL",
    "IsAutomated": "AUTOMATED",
}
_TABLE = "{{.Name}}\t{{.Description}}\t{{.StarCount}}\t{{.IsOfficial}}"
_LONGEST = 45  # characters of a description in a table


class Flags(FlagSet):
    filter = Filters("f", "Filter output based on conditions provided")
    format = String("", "Pretty-print search using a Go template")
    limit = Integer("", "Max number of search results")
    no_trunc = Boolean("", "Don't truncate output")


def run(flags: Flags, context: Context) -> None:
    from wherry.engine.registry.search import search_images  # HTTP and TLS

    found = search_images(flags.operands[0], filters=flags.filter, limit=flags.limit)
    rows = [
        {
            "Name": result.name,
            "Description": _description(result.description, whole=flags.no_trunc),
            "StarCount": str(result.stars),
            "IsOfficial": "[OK]" if result.is_official else "",
            "IsAutomated": "[OK]" if result.is_automated else "",
        }
        for result in found
    ]
    print_rows(
        context,
        rows,
        chosen=flags.format,
        titles=TITLES,
        default=_TABLE,
        kind="*registry.searchContext",
    )


def _description(text: str, *, whole: bool) -> str:
    line = " ".join(text.split())
    return line if whole or len(line) <= _LONGEST else f"{line[: _LONGEST - 1]}…"
