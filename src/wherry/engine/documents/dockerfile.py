"""What a Dockerfile says and what is to be said of it, as BuildKit tells it.

Printed by `build --call` and `--progress=rawjson`, and given to clients of the API.
"""

import base64

from wherry.build.outline import Need, Outline, targets_of
from wherry.dockerfile.dockerfile import Dockerfile
from wherry.dockerfile.source import Source, Span
from wherry.lint.catalogue import load_checks
from wherry.lint.finding import Finding
from wherry.lint.formats.buildkit import page_of
from wherry.lint.linter import Report


def warning_documents(report: Report) -> list[dict[str, object]]:
    """As BuildKit's SolveStatus has them."""
    known = meanings()
    return [
        {
            "level": 1,
            "short": _encoded(short_text(finding)),
            "detail": [_encoded(known.get(finding.code, ""))],
            "url": page_of(finding.code),
            "sourceInfo": {"filename": report.name, "data": _data(report.source)},
            "range": [{"start": {"line": first}, "end": {"line": last}}],
        }
        for finding in report.findings
        for first, last in [report.source.lines_of(finding.span)]
    ]


def short_text(finding: Finding) -> str:
    """It in a line."""
    return f"{finding.code}: {finding.message} (line {finding.line})"


def meanings() -> dict[str, str]:
    """What each of the checks is about, by its code."""
    return {rule.code: rule.message for rule in load_checks()}


def check_document(report: Report) -> dict[str, object]:
    """That of frontend.lint."""
    descriptions = meanings()
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


def outline_document(told: Outline, source: Source) -> dict[str, object]:
    """That of frontend.outline."""

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


def targets_document(dockerfile: Dockerfile) -> dict[str, object]:
    """That of frontend.targets."""
    targets = [
        _present(
            name=target.name,
            default=target.is_default,
            description=target.description,
            base=target.base,
            platform=target.platform,
            location=_location(dockerfile.source, target.span),
        )
        for target in targets_of(dockerfile)
    ]
    return {"targets": targets, "sources": [_data(dockerfile.source)]}


def _present(**fields: object) -> dict[str, object]:
    """Those that Go's omitempty keeps."""
    return {name: value for name, value in fields.items() if value}


def _location(source: Source, span: Span) -> dict[str, object]:
    first, last = source.lines_of(span)
    return {"ranges": [{"start": {"line": first}, "end": {"line": last}}]}


def _data(source: Source) -> str:
    return _encoded(source.text)


def _encoded(text: str) -> str:
    return base64.b64encode(text.encode("utf-8", "surrogateescape")).decode()
