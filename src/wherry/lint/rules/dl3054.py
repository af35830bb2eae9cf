"""A label of type spdx holds the identifier of a licence.

One identifier, as in the list at spdx.org, none of those it gave up; no expression.

Bad (with `label-schema: {licenses: spdx}`):

    FROM debian:12
    LABEL licenses="Apache 2"

Good:

    FROM debian:12
    LABEL licenses="Apache-2.0"
"""

from wherry.lint.finding import Level
from wherry.lint.labels import check_values
from wherry.lint.options import LabelType
from wherry.lint.rule import Rule
from wherry.lint.spdx import is_identifier

_MESSAGE = "Label `<label>` is not a valid SPDX identifier."

RULE = Rule(
    "DL3054",
    Level.WARNING,
    _MESSAGE,
    check_values(_MESSAGE, is_identifier, LabelType.SPDX),
)
