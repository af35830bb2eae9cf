"""FROM should name an image without any --build-arg.

Bad:

    ARG TAG
    FROM busybox:$TAG

Good:

    ARG TAG=1.36
    FROM busybox:$TAG
"""

from collections.abc import Iterator

from wherry.dockerfile.words import InvalidWord
from wherry.errors import InvalidArgument
from wherry.lint.document import Document
from wherry.lint.finding import Level
from wherry.lint.options import Options
from wherry.lint.rule import Hit, Rule
from wherry.lint.variables import PLATFORM_ARGS, expander, global_defaults
from wherry.oci.reference import Reference


def check(document: Document, options: Options) -> Iterator[Hit]:
    del options
    values = {**dict.fromkeys(PLATFORM_ARGS, "x"), **global_defaults(document)}
    for step, base in document.froms:
        try:
            expansion = expander(document).expand(base.image.text, values)
        except InvalidWord:
            continue
        if expansion.used and not _is_a_name(expansion.text):
            yield Hit(
                step,
                f"Default value for ARG {base.image.text} results in empty or invalid base image "
                "name",
                base.image.span,
            )


def _is_a_name(text: str) -> bool:
    try:
        Reference.parse(text)
    except InvalidArgument:
        return False
    return True


RULE = Rule(
    "InvalidDefaultArgInFrom",
    Level.WARNING,
    "Default value for global ARG results in an empty or invalid base image name",
    check,
)
