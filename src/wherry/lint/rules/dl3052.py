"""A label of type url holds one.

Bad (with `label-schema: {source: url}`):

    FROM debian:12
    LABEL source="not an address"

Good:

    FROM debian:12
    LABEL source="https://example.com/app"
"""

from wherry.lazy import regex
from wherry.lint.finding import Level
from wherry.lint.labels import check_values
from wherry.lint.options import LabelType
from wherry.lint.rule import Rule

_URL = regex(r"[A-Za-z][A-Za-z0-9+.-]*:[^\s\"<>\\^`{|}]*")

_MESSAGE = "Label `<label>` is not a valid URL."

RULE = Rule(
    "DL3052",
    Level.WARNING,
    _MESSAGE,
    check_values(_MESSAGE, lambda value: bool(_URL.fullmatch(value)), LabelType.URL),
)
