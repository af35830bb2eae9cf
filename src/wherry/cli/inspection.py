"""What inspect commands print: an array of documents, or a template's text for each."""

import json

from wherry.cli.context import Context
from wherry.cli.templates.documents import typed_document
from wherry.cli.templates.errors import ExecutionError, ParseError, TemplateError
from wherry.cli.templates.template import Template
from wherry.errors import InvalidArgument, NotFound, WherryError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

FORMAT_HELP = "\n".join(
    (
        "Format output using a custom template:",
        "'json':             Print in JSON format",
        "'TEMPLATE':         Print output using the given Go template.",
        (
            "Refer to https://docs.docker.com/go/formatting/ for more information about"
            " formatting output with templates"
        ),
    )
)
BAD_TEMPLATE = 64


class BadTemplate(InvalidArgument):
    """Docker's status tells one that cannot be parsed from one that fails on an object."""

    def __init__(self, error: TemplateError) -> None:
        super().__init__(f"template parsing error: {error}")
        self.exit_code = BAD_TEMPLATE if isinstance(error, ParseError) else 1


def print_documents(
    context: Context,
    names: "Sequence[str]",
    find: "Callable[[str], dict[str, object]]",
    template: str,
) -> None:
    """Print what `find` gives for each of `names`; what is not there is told, the rest printed."""
    documents: list[dict[str, object]] = []
    failures: list[WherryError] = []
    for name in names:
        try:
            documents.append(find(name))
        except NotFound as error:
            failures.append(error)
    if template in ("", "json"):
        _print_json(context, documents, whole=not template)
    else:
        _print_text(context, documents, template)
    for failure in failures:
        context.flush()
        context.fail(failure)


def _print_json(context: Context, documents: "Sequence[dict[str, object]]", *, whole: bool) -> None:
    if whole:
        text = json.dumps(documents, indent=4, ensure_ascii=False) if documents else "[]"
        context.out(text)
        return
    for document in documents:
        context.out(json.dumps(document, separators=(",", ":"), ensure_ascii=False))


def _print_text(context: Context, documents: "Sequence[dict[str, object]]", template: str) -> None:
    try:
        parsed = Template(template)
        for document in documents:
            context.out(_text(parsed, document))
    except TemplateError as error:
        if not isinstance(error, ParseError):
            context.out("")  # as Docker does
        raise BadTemplate(error) from error


def _text(template: Template, document: dict[str, object]) -> str:
    """As Docker: on the typed object, and where that fails on what its JSON is."""
    try:
        return template.execute(typed_document(document))
    except ExecutionError:
        return template.execute(document)
