"""A label of type hash holds a commit of git: 7 or 40 digits.

Bad (with `label-schema: {revision: hash}`):

    FROM debian:12
    LABEL revision="main"

Good:

    FROM debian:12
    LABEL revision="2dbfae9"
"""

from wherry.lazy import regex
from wherry.lint.finding import Level
from wherry.lint.labels import check_values
from wherry.lint.options import LabelType
from wherry.lint.rule import Rule

_HASH = regex(r"[0-9a-f]{7}|[0-9a-f]{40}")

_MESSAGE = "Label `<label>` is not a valid git hash."

RULE = Rule(
    "DL3055",
    Level.WARNING,
    _MESSAGE,
    check_values(_MESSAGE, lambda value: bool(_HASH.fullmatch(value)), LabelType.HASH),
)
