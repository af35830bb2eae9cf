"""`build --call=check|outline|targets`: what docker prints of a Dockerfile that is not built.

The texts and JSON documents are those of BuildKit's subrequests, frontend.lint, frontend.outline
and frontend.targets.
"""

import json
from collections.abc import Sequence

from wherry.build.outline import Outline, targets_of
from wherry.cli.builds.failures import print_problems
from wherry.cli.context import Context
from wherry.cli.tables import table_lines
from wherry.dockerfile.dockerfile import Dockerfile
from wherry.dockerfile.errors import InvalidDockerfile
from wherry.dockerfile.source import Source
from wherry.engine.builds.definition import check, definition, outline
from wherry.engine.builds.options import BuildOptions
from wherry.engine.documents.dockerfile import (
    check_document,
    outline_document,
    targets_document,
)
from wherry.errors import InvalidArgument
from wherry.lint.formats.buildkit import write
from wherry.lint.formats.format import Style
from wherry.lint.linter import Report
from wherry.values import dataclass

CALLS = ("build", "check", "outline", "targets")
_TRUE, _FALSE = ("1", "t", "T", "TRUE", "true", "True"), ("0", "f", "F", "FALSE", "false", "False")


@dataclass(frozen=True, slots=True)
class Call:
    """--call=NAME[,format=json][,ignorestatus=true]."""

    name: str
    is_json: bool = False
    ignores_status: bool = False


def parse_call(text: str) -> Call:
    """The call that the flag names."""
    name, form, ignores = "", "", False
    for field in text.split(","):
        key, equals, value = field.partition("=")
        if not equals:
            if name:
                raise InvalidArgument(f"invalid print value: {text}")
            name = field
        elif key == "format":
            form = value
        elif key == "ignorestatus" and value in (*_TRUE, *_FALSE):
            ignores = value in _TRUE
        else:
            raise InvalidArgument(f"invalid print field: {field}")
    name = "check" if name == "lint" else name  # its former name
    if name not in CALLS:
        raise InvalidArgument(f'invalid value "{name}" for --call: one of {", ".join(CALLS)}')
    if form not in ("", "text", "json"):
        raise InvalidArgument(f'invalid format "{form}" for --call: one of text, json')
    return Call(name, form == "json", ignores)


def print_call(call: Call, context: Context, options: BuildOptions) -> None:
    """Print what is asked of the Dockerfile."""
    try:
        with definition(context.engine, options) as opened:
            source = opened.dockerfile.source
            if call.name == "check":
                _print_check(call, context, check(context.engine, opened, options))
            elif call.name == "outline":
                _print_outline(call, context, outline(opened, options), source)
            else:
                _print_targets(call, context, opened.dockerfile)
    except InvalidDockerfile as error:
        print_problems(error, context, solving=False)


# ---- check


def _print_check(call: Call, context: Context, report: Report) -> None:
    count = len(report.findings)
    if call.is_json:
        _print_json(context, check_document(report))
    elif count:
        found = "1 warning has been found!" if count == 1 else f"{count} warnings have been found!"
        context.out(f"Check complete, {found}")
        context.write(write([report], Style()))
    else:
        context.out("Check complete, no warnings found.")
    if count and not call.ignores_status:
        context.status = 1


# ---- outline


def _print_outline(call: Call, context: Context, told: Outline, source: Source) -> None:
    if call.is_json:
        _print_json(context, outline_document(told, source))
        return
    tables: list[tuple[list[Sequence[str]], int]] = []
    if told.name or told.description:
        rows: list[Sequence[str]] = [("TARGET:", told.name or "(default)")]
        if told.description:
            rows.append(("DESCRIPTION:", told.description))
        tables.append((rows, 1))
    if told.arguments:
        named = [(each.name, each.value, each.description) for each in told.arguments]
        tables.append(([("BUILD ARG", "VALUE", "DESCRIPTION"), *named], 3))
    for title, needs in (("SECRET", told.secrets), ("SSH", told.agents)):
        if needs:
            listed = [(need.name, "true" if need.is_required else "") for need in needs]
            tables.append(([(title, "REQUIRED"), *listed], 3))
    for table, padding in tables:
        for line in table_lines(table, least=0, padding=padding):
            context.out(line)
        context.out("")


# ---- targets


def _print_targets(call: Call, context: Context, dockerfile: Dockerfile) -> None:
    if call.is_json:
        _print_json(context, targets_document(dockerfile))
        return
    rows: list[Sequence[str]] = [("TARGET", "DESCRIPTION")]
    for target in targets_of(dockerfile):
        name = f"{target.name} (default)".lstrip() if target.is_default else target.name
        rows.append((name, target.description))
    for line in table_lines(rows, least=0, padding=1):
        context.out(line)


def _print_json(context: Context, document: object) -> None:
    context.out(json.dumps(document, indent=2, ensure_ascii=False))
