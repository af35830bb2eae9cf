"""Labels that are required should not be empty.

Bad (with `label-schema: {maintainer: text}`):

    FROM debian:12
    LABEL maintainer=""

Good:

    FROM debian:12
    LABEL maintainer="the team"
"""

from wherry.lint.finding import Level
from wherry.lint.labels import check_values
from wherry.lint.options import LabelType
from wherry.lint.rule import Rule

_MESSAGE = "label `<label>` is empty."

RULE = Rule(
    "DL3051",
    Level.WARNING,
    _MESSAGE,
    check_values(_MESSAGE, bool, *LabelType),
)
