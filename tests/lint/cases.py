"""The cases of tests/data/lint/cases.txt: small Dockerfiles and what hadolint finds in them.

    FROM debian
    RUN cd /srv
    => DL3006@1 DL3003@2        hadolint's findings, by line
    !! DL3006@1 # reason        ours, where they differ on purpose

A blank line ends a case. `python -m tests.lint.cases` asks hadolint again and writes the file.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.lint.hadolint import findings_of_hadolint
from wherry.dockerfile.source import Source
from wherry.lint.linter import lint
from wherry.lint.options import Options

FILE = Path(__file__).parent.parent / "data/lint/cases.txt"
Places = tuple[str, ...]


@dataclass(frozen=True)
class Case:
    text: str
    theirs: Places
    ours: Places
    reason: str = ""


def read_cases() -> list[Case]:
    return list(_cases(FILE.read_text()))


def _cases(text: str) -> Iterator[Case]:
    lines: list[str] = []
    theirs: Places | None = None
    for line in [*text.split("\n"), ""]:
        if line.startswith("=>"):
            theirs = tuple(line.split()[1:])
        elif line.startswith("!!") and theirs is not None:
            places, _, reason = line[2:].partition("#")
            yield Case("\n".join(lines) + "\n", theirs, tuple(places.split()), reason.strip())
            lines, theirs = [], None
        elif not line and theirs is not None:
            yield Case("\n".join(lines) + "\n", theirs, theirs)
            lines, theirs = [], None
        elif line or lines:
            lines.append(line)


def places_of_ours(text: str) -> Places:
    report = lint(Source(text), Options(shellcheck=False))
    return tuple(
        sorted({f"{finding.code}@{finding.line}" for finding in report.findings}, key=_by_line)
    )


def _by_line(place: str) -> tuple[int, str]:
    code, _, line = place.partition("@")
    return int(line), code


def places_of_hadolint(texts: list[str]) -> list[Places]:
    return [
        tuple(sorted({f"{code}@{line}" for code, line, _, _ in found}, key=_by_line))
        for found in findings_of_hadolint(texts)
    ]


def record() -> None:
    """Write what hadolint says today into the file."""
    cases = read_cases()
    parts: list[str] = []
    for case, theirs in zip(cases, places_of_hadolint([c.text for c in cases]), strict=True):
        entry = f"{case.text}=> {' '.join(theirs)}".rstrip()
        ours = places_of_ours(case.text)
        if ours != theirs:
            entry += f"\n!! {' '.join(ours)} # {case.reason}"
        parts.append(entry)
    FILE.write_text("\n\n".join(parts) + "\n")


if __name__ == "__main__":
    record()
