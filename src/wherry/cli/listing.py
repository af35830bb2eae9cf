"""What list commands print: a table, JSON, or what `--format` makes of each row.

A row is a mapping from Docker's field names to text, or a `Row`; the titles of a table follow
from the fields that its template names.
"""

from wherry.cli.context import Context
from wherry.cli.tables import table_lines
from wherry.cli.templates.errors import ExecutionError, TemplateError
from wherry.cli.templates.functions import HEADER_FUNCTIONS
from wherry.cli.templates.template import Template
from wherry.cli.templates.values import MISSING, Methods, as_html_json
from wherry.errors import InvalidArgument

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


class UnusableFormat(InvalidArgument):
    def __init__(self, error: TemplateError) -> None:
        super().__init__(f"template parsing error: {error}")


class Row(Methods):
    """A row's fields by Docker's names, and `.Label "key"` where it has `labels`.

    `kind` is the type that Docker's errors speak of.
    """

    def __init__(
        self,
        fields: "Mapping[str, object]",
        *,
        kind: str,
        labels: "Mapping[str, str] | None" = None,
    ) -> None:
        self.type_name = kind
        self._fields = fields
        self._labels = labels

    def field(self, name: str) -> object:
        labels = self._labels
        if name == "Label" and labels is not None:
            return lambda key: labels.get(key, "")
        return self._fields[name]

    def as_json(self) -> object:
        return dict(self._fields)


def print_rows(
    context: Context,
    rows: "Iterable[Mapping[str, object] | Row]",
    *,
    chosen: str,
    titles: "Mapping[str, str]",
    default: str,
    kind: str = "struct",
) -> None:
    """Print `rows` as the flag `--format` (`chosen`) asks; `default` is the table's template.

    `kind` is that of rows that are mappings.
    """
    data = [row if isinstance(row, Row) else Row(row, kind=kind) for row in rows]
    if chosen == "json":
        for row in data:
            context.out(as_html_json(row.as_json()))
        return
    is_table = not chosen or chosen.startswith("table")
    text = default if chosen in ("", "table") else chosen.removeprefix("table")
    try:
        template = Template(text.strip(" ").replace("\\t", "\t").replace("\\n", "\n"))
        lines = [template.execute(row) for row in data]
    except TemplateError as error:
        raise UnusableFormat(error) from error
    if not is_table:
        for line in lines:
            context.out(line)
        return
    try:
        head = template.execute(_Titles(titles), HEADER_FUNCTIONS)
    except ExecutionError as error:
        head = error.written  # Docker shows what there is of it
    for line in table_lines(line.split("\t") for line in [head, *lines]):
        context.out(line)


class _Titles(Methods):
    """The row above the rows; a field that takes an argument is titled by it."""

    def __init__(self, titles: "Mapping[str, str]") -> None:
        self._titles = titles

    def field(self, name: str) -> object:
        return _label_title if name == "Label" else self._titles.get(name, MISSING)

    def as_json(self) -> object:
        return dict(self._titles)


def _label_title(key: str) -> str:
    """Docker's title of `.Label "com.example.app_name"`: APP NAME comes from its last part."""
    return key.rpartition(".")[2].replace("-", " ").replace("_", " ")
