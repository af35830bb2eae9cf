"""Our findings beside hadolint's on a folder of Dockerfiles: `python -m tests.lint.compare FOLDER`.

Every file below FOLDER is linted by both. Shown are the share of files with the same findings (by
code, line, level, message) and each difference: `-` is what only hadolint finds, `+` only we.

    --shellcheck   compare ShellCheck's findings instead, by code and line; hadolint keeps one of
                   those of a RUN, so that it counts as equal where ours are that one and more
    --strict       let DL1000 stand where hadolint cannot read what builds (`strict-hadolint`)
    --summary      the figures alone
    --answers F    keep hadolint's answers in the file F, and take them from there
"""

import json
import subprocess
from argparse import ArgumentParser
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.lint.hadolint import HADOLINT
from wherry.lint.linter import lint_all
from wherry.lint.options import Options
from wherry.lint.reading import decoded

_AT_ONCE = 200  # files in one call
Place = tuple[int, str, str, str]
"""Line, code, level, message."""


def _theirs(paths: Sequence[Path]) -> Iterator[frozenset[Place] | None]:
    """hadolint's findings in each; None where it ends without an answer."""
    command: list[str | Path] = [HADOLINT, "--no-fail", "--no-color", "-f", "json", *paths]
    result = subprocess.run(command, capture_output=True, check=False)
    if result.returncode != 0:
        if len(paths) == 1:
            yield None
            return
        half = len(paths) // 2
        yield from _theirs(paths[:half])
        yield from _theirs(paths[half:])
        return
    found: dict[str, set[Place]] = {str(path): set() for path in paths}
    for item in json.loads(result.stdout):
        place = (item["line"], item["code"], item["level"], item["message"])
        found[item["file"]].add(place)
    yield from map(frozenset, found.values())


class _Answers:
    """hadolint's, asked for once where they are kept."""

    def __init__(self, file: Path | None) -> None:
        self.file = file
        self.kept: dict[str, list[Place] | None] = (
            json.loads(file.read_text()) if file and file.exists() else {}
        )

    def of(self, paths: Sequence[Path]) -> Iterator[frozenset[Place] | None]:
        if any(str(path) not in self.kept for path in paths):
            for path, found in zip(paths, _theirs(paths), strict=True):
                self.kept[str(path)] = None if found is None else sorted(found)
            if self.file:
                self.file.write_text(json.dumps(self.kept))
        for path in paths:
            kept = self.kept[str(path)]
            yield None if kept is None else frozenset((a, b, c, d) for a, b, c, d in kept)


def _ours(paths: Sequence[Path], options: Options) -> Iterator[frozenset[Place]]:
    for report in lint_all([decoded(path.read_bytes(), str(path)) for path in paths], options):
        yield frozenset(
            (finding.line, finding.code, finding.level.value, finding.message)
            for finding in report.findings
        )


def _kept(found: frozenset[Place], *, shellcheck: bool) -> frozenset[Place]:
    """What is compared: DL1000 without its words, which are each parser's own."""
    if shellcheck:
        return frozenset((line, code, "", "") for line, code, _, _ in found if code[:2] == "SC")
    return frozenset(
        (line, code, "", "") if code == "DL1000" else (line, code, level, message)
        for line, code, level, message in found
        if code[:2] == "DL"
    )


def _lines(found: frozenset[Place]) -> set[int]:
    return {line for line, *_ in found}


def _kind(theirs: frozenset[Place], ours: frozenset[Place]) -> str:
    unreadable = ["DL1000" in {place[1] for place in found} for found in (theirs, ours)]
    match unreadable:
        case [True, False]:
            return "unreadable for hadolint alone"
        case [False, True]:
            return "unreadable for us alone"
        case [True, True]:
            return "unreadable, at another line"
    return "other findings"


def _show(sign: str, only: frozenset[Place], found: frozenset[Place]) -> None:
    for line, code, level, message in sorted(only):
        words = message or next(place[3] for place in found if place[:2] == (line, code))
        print(f"  {sign} {line} {code} {level} {' '.join(words.split())}", flush=True)


def main() -> None:
    parser = ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--shellcheck", action="store_true")
    parser.add_argument("--strict", action="store_true")
    parser.add_argument("--summary", action="store_true")
    parser.add_argument("--answers", type=Path)
    asked = parser.parse_args()
    answers = _Answers(asked.answers)
    options = Options(shellcheck=asked.shellcheck, strict_hadolint=asked.strict)
    paths = sorted(path for path in asked.folder.rglob("*") if path.is_file())
    kinds: Counter[str] = Counter()
    for at in range(0, len(paths), _AT_ONCE):
        some = paths[at : at + _AT_ONCE]
        for path, found, mine in zip(some, answers.of(some), _ours(some, options), strict=True):
            if found is None:
                kinds["no answer from hadolint"] += 1
                print(f"{path}: no answer from hadolint")
                continue
            theirs, ours = (_kept(each, shellcheck=asked.shellcheck) for each in (found, mine))
            kind = "equal" if theirs == ours else _kind(found, mine)
            if asked.shellcheck and theirs <= ours and _lines(theirs) == _lines(ours) != set():
                kind = "equal" if theirs == ours else "equal, with more for some RUN"
            kinds[kind] += 1
            if not kind.startswith("equal") and not asked.summary:
                print(f"{path}: {kind}")
                _show("-", theirs - ours, found)
                _show("+", ours - theirs, mine)
    for kind, count in kinds.most_common():
        print(f"{count:6} of {len(paths)} ({count / len(paths):6.2%}) {kind}")


if __name__ == "__main__":
    main()
