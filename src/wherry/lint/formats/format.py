"""What a format is, and the table of them."""

import sys
from collections.abc import Callable, Sequence

from wherry.lint.linter import Report
from wherry.values import dataclass


@dataclass(frozen=True, slots=True)
class Style:
    """How to write besides the findings themselves."""

    color: bool = False
    path: str = ""
    """Said instead of each file's own name, by the formats that do."""


Write = Callable[[Sequence[Report], Style], str]

FORMATS = (
    *("tty", "json", "checkstyle", "codeclimate", "gitlab_codeclimate", "gnu", "codacy"),
    *("sonarqube", "sarif", "junit", "github", "buildkit"),
)
NEVER_FAIL = ("codeclimate", "codacy")
"""Formats for services that take an exit status for a broken linter."""


def writer_of(name: str) -> Write:
    """The function that writes the format `name`, one of FORMATS."""
    module = f"wherry.lint.formats.{name}"
    __import__(module)
    write: Write = sys.modules[module].write
    return write
