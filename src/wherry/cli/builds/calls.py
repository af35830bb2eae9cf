"""`build --call=check|outline|targets`: what docker prints of a Dockerfile that is not built.

The texts and JSON documents are those of BuildKit's subrequests, frontend.lint, frontend.outline
and frontend.targets.
"""

import base64
import json
from collections.abc import Sequence

from wherry.build.outline import Need, Outline, targets_of
from wherry.cli.builds.failures import print_problems
from wherry.cli.context import Context
from wherry.cli.tables import table_lines
from wherry.dockerfile.dockerfile import Dockerfile
from wherry.dockerfile.errors import InvalidDockerfile
from wherry.dockerfile.source import Source, Span
from wherry.engine.builds.checks import check_options
from wherry.engine.builds.definition import definition, outline
from wherry.engine.builds.options import BuildOptions
from wherry.engine.builds.surroundings import bases_of
from wherry.errors import InvalidArgument
from wherry.lint.catalogue import load_checks
from wherry.lint.document import read_document
from wherry.lint.formats.buildkit import page_of, write
from wherry.lint.formats.format import Style
from wherry.lint.linter import Report, check_for_build
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
                known = bases_of(context.engine, read_document(source), platform=options.platform)
                asked = check_options(opened.dockerfile, options.build_args)
                report = check_for_build(source, opened.tree.ignore, known, asked)
                _print_check(call, context, report)
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
        _print_json(context, _check_document(report))
    elif count:
        found = "1 warning has been found!" if count == 1 else f"{count} warnings have been found!"
        context.out(f"Check complete, {found}")
        context.write(write([report], Style()))
    else:
        context.out("Check complete, no warnings found.")
    if count and not call.ignores_status:
        context.status = 1


def _check_document(report: Report) -> dict[str, object]:
    descriptions = {rule.code: rule.message for rule in load_checks()}
    return {
        "warnings": [
            {
                "ruleName": finding.code,
                "description": descriptions.get(finding.code, ""),
                "url": page_of(finding.code),
                "detail": finding.message,
                "location": _location(report.source, finding.span),
            }
            for finding in report.findings
        ],
        "sources": [
            {"fileName": report.name, "language": "Dockerfile", "data": _data(report.source)}
        ],
    }


# ---- outline


def _print_outline(call: Call, context: Context, told: Outline, source: Source) -> None:
    if call.is_json:
        _print_json(context, _outline_document(told, source))
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


def _outline_document(told: Outline, source: Source) -> dict[str, object]:
    def needs(all_of_them: tuple[Need, ...]) -> list[dict[str, object]]:
        return [
            _present(
                name=need.name, required=need.is_required, location=_location(source, need.span)
            )
            for need in all_of_them
        ]

    return _present(
        name=told.name,
        description=told.description,
        args=[
            _present(
                name=each.name,
                description=each.description,
                value=each.value,
                location=_location(source, each.span),
            )
            for each in told.arguments
        ],
        secrets=needs(told.secrets),
        ssh=needs(told.agents),
        cache=[{"ID": name, "location": _location(source, span)} for name, span in told.caches],
        sources=[_data(source)],
    )


# ---- targets


def _print_targets(call: Call, context: Context, dockerfile: Dockerfile) -> None:
    targets = targets_of(dockerfile)
    if call.is_json:
        document = [
            _present(
                name=target.name,
                default=target.is_default,
                description=target.description,
                base=target.base,
                platform=target.platform,
                location=_location(dockerfile.source, target.span),
            )
            for target in targets
        ]
        _print_json(context, {"targets": document, "sources": [_data(dockerfile.source)]})
        return
    rows: list[Sequence[str]] = [("TARGET", "DESCRIPTION")]
    for target in targets:
        name = f"{target.name} (default)".lstrip() if target.is_default else target.name
        rows.append((name, target.description))
    for line in table_lines(rows, least=0, padding=1):
        context.out(line)


# ---- documents


def _present(**fields: object) -> dict[str, object]:
    """Those that Go's omitempty keeps."""
    return {name: value for name, value in fields.items() if value}


def _location(source: Source, span: Span) -> dict[str, object]:
    first, last = source.lines_of(span)
    return {"ranges": [{"start": {"line": first}, "end": {"line": last}}]}


def _data(source: Source) -> str:
    return base64.b64encode(source.text.encode("utf-8", "surrogateescape")).decode()


def _print_json(context: Context, document: object) -> None:
    context.out(json.dumps(document, indent=2, ensure_ascii=False))
