"""What list commands print: a table, JSON, or what `--format` makes of each row.

A row is a mapping from Docker's field names to text; the titles of a table follow from the
fields that its template names.
"""

from wherry.cli.context import Context
from wherry.cli.tables import table_lines
from wherry.cli.templates.functions import HEADER_FUNCTIONS
from wherry.cli.templates.template import Template
from wherry.cli.templates.values import Methods, Struct, as_html_json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

FORMAT_HELP = "\n".join(
    (
        "Format output using a custom template:",
        "'table':            Print output in table format with column headers (default)",
        "'table TEMPLATE':   Print output in table format using the given Go template",
        "'json':             Print in JSON format",
        "'TEMPLATE':         Print output using the given Go template.",
        (
            "Refer to https://docs.docker.com/go/formatting/ for more information about"
            " formatting output with templates"
        ),
    )
)


def print_rows(
    context: Context,
    rows: "Iterable[Mapping[str, object] | Methods]",
    *,
    chosen: str,
    titles: "Mapping[str, str]",
    default: str,
) -> None:
    """Print `rows` as the flag `--format` (`chosen`) asks; `default` is the table's template."""
    text = chosen.replace("\\t", "\t").replace("\\n", "\n")
    data = [row if isinstance(row, Methods) else Struct(row) for row in rows]
    if text == "json":
        for row in data:
            context.out(as_html_json(row.as_json() if isinstance(row, Methods) else dict(row)))
        return
    is_table = text in ("", "table") or text.startswith("table ")
    if is_table:
        text = text.removeprefix("table").strip(" ") or default
    template = Template(text)
    lines = [template.execute(row) for row in data]
    if not is_table:
        for line in lines:
            context.out(line)
        return
    head = template.execute(_Titles(titles), HEADER_FUNCTIONS)
    for line in table_lines(line.split("\t") for line in [head, *lines]):
        context.out(line)


class _Titles(Methods):
    """The row above the rows; a field that takes an argument is titled by it."""

    def __init__(self, titles: "Mapping[str, str]") -> None:
        self._titles = titles

    def field(self, name: str) -> object:
        return self._titles[name] if name != "Label" else _label_title

    def as_json(self) -> object:
        return dict(self._titles)


def _label_title(key: str) -> str:
    """Docker's title of `.Label "com.example.app_name"`: APP NAME comes from its last part."""
    return key.rpartition(".")[2].replace("-", " ").replace("_", " ")
