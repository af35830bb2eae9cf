"""A label of type email holds an address.

Bad (with `label-schema: {maintainer: email}`):

    FROM debian:12
    LABEL maintainer="the team"

Good:

    FROM debian:12
    LABEL maintainer="team@example.com"
"""

from wherry.lazy import regex
from wherry.lint.finding import Level
from wherry.lint.labels import check_values
from wherry.lint.options import LabelType
from wherry.lint.rule import Rule

_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_DOTTED = rf"{_ATOM}(?:\.{_ATOM})*"
_ADDRESS = regex(rf'(?:{_DOTTED}|"[^"\\]*")@(?:{_DOTTED}|\[[^\[\]\\]*\])')

_MESSAGE = "Label `<label>` is not a valid email format - must conform to RFC5322."

RULE = Rule(
    "DL3058",
    Level.WARNING,
    _MESSAGE,
    check_values(_MESSAGE, lambda value: bool(_ADDRESS.fullmatch(value)), LabelType.EMAIL),
)
