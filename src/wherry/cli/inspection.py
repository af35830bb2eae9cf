"""What inspect commands print: an array of documents, or a template's text for each."""

import json

from wherry.cli.context import Context
from wherry.cli.templates.documents import typed_document
from wherry.cli.templates.errors import ExecutionError, ParseError, TemplateError
from wherry.cli.templates.template import Template
from wherry.errors import InvalidArgument, WherryError

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
    *,
    type_name: str = "",
) -> None:
    """Print what `find` gives for each of `names`; what fails is told, the rest printed.

    With a `type_name` a template sees nothing but the fields of that type.
    """
    parsed = None if template in ("", "json") else parsed_template(template)
    documents: list[dict[str, object]] = []
    texts: list[str] = []
    failures: list[WherryError] = []
    for name in names:
        try:
            documents.append(find(name))
            if parsed is not None:
                texts.append(_text(parsed, documents[-1], type_name))
        except ExecutionError as error:
            failures.append(BadTemplate(error))
        except WherryError as error:
            failures.append(error)
    if parsed is None:
        context.out(_as_json(documents, whole=not template))
    else:
        context.out("\n".join(texts))  # an empty line for none of them, as Docker does
    for failure in failures:
        context.flush()
        context.fail(failure)


def print_template(context: Context, template: str, data: object, name: str = "") -> None:
    """Print what `template`, called `name` in errors, makes of `data`; where it fails, so far."""
    try:
        text = parsed_template(template, name).execute(data)
    except ExecutionError as error:
        context.out(error.written)
        raise
    context.out(text)


def parsed_template(template: str, name: str = "") -> Template:
    try:
        return Template(template, name)
    except ParseError as error:
        raise BadTemplate(error) from error


def _as_json(documents: "Sequence[dict[str, object]]", *, whole: bool) -> str:
    if whole and documents:
        return json.dumps(documents, indent=4, ensure_ascii=False)
    return json.dumps(documents, separators=(",", ":"), ensure_ascii=False)


def _text(template: Template, document: dict[str, object], type_name: str) -> str:
    """As Docker: on the typed object, and where that fails on what its JSON is."""
    try:
        return template.execute(typed_document(document, type_name))
    except ExecutionError:
        if type_name:
            raise
        return template.execute(document, missing_is_error=True)
