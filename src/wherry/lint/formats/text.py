"""Texts that several formats have in common."""

from collections.abc import Mapping, Sequence

from wherry.lint.finding import Finding
from wherry.lint.linter import UNREADABLE, Report

Json = str | int | Mapping[str, "Json"] | Sequence["Json"]


def compact(value: Json) -> str:
    """JSON as hadolint writes it: keys in order, no blanks."""
    import json  # for the formats that are JSON; 2 ms

    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def one_line(message: str) -> str:
    return message.replace("\n", " ")


def is_parse_error(finding: Finding) -> bool:
    return finding.code == UNREADABLE


def parse_error(report: Report, finding: Finding) -> str:
    """The fault with its place in front, for formats that have no field for that."""
    return f"{report.name}:{finding.line}:{finding.column}:\n{finding.message}\n"


def attribute(text: str) -> str:
    """`text` as the value of an attribute in XML."""
    return _possible(text.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;"))


def content(text: str) -> str:
    """`text` between the tags of XML."""
    return _possible(text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;"))


def _possible(text: str) -> str:
    """Without what XML cannot say at all."""
    return "".join(c for c in text if c >= " " or c in "\t\n\r")
