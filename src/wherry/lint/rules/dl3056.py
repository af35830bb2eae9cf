"""A label of type semver holds a version of three numbers.

Bad (with `label-schema: {version: semver}`):

    FROM debian:12
    LABEL version="v1"

Good:

    FROM debian:12
    LABEL version="1.0.0"
"""

from wherry.lazy import regex
from wherry.lint.finding import Level
from wherry.lint.labels import check_values
from wherry.lint.options import LabelType
from wherry.lint.rule import Rule

_PARTS = r"[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*"
_VERSION = regex(rf"(?a)\d+\.\d+\.\d+(?:-{_PARTS})?(?:\+{_PARTS})?")

_MESSAGE = "Label `<label>` does not conform to semantic versioning."

RULE = Rule(
    "DL3056",
    Level.WARNING,
    _MESSAGE,
    check_values(_MESSAGE, lambda value: bool(_VERSION.fullmatch(value)), LabelType.SEMVER),
)
