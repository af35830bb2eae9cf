"""hadolint's own rule tests, asked of us: `python -m tests.lint.rule_tests CHECKOUT`.

CHECKOUT is one of hadolint's repository, which is not in this one. Its tests are calls of a few
helpers with the text of a Dockerfile; the texts are read out of them, and each is put to its binary
and to us. Shown are the figures and each difference: `-` is what only hadolint finds, `+` only we;
and each case where we do not find what the test asks for.
"""

import re
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from tests.lint.hadolint import Found, findings_of_hadolint
from wherry.dockerfile.source import Source
from wherry.lint.finding import Level
from wherry.lint.linter import lint
from wherry.lint.options import LabelType, Options
from wherry.values import replace

_TOKEN = re.compile(
    r"""(?sx)
      --[^\n]* | \s+ | \{-.*?-\}
    | (?P<string>"(?:\\\s+\\|\\.|[^"\\])*")
    | (?P<name>\??[A-Za-z_][\w.']*)
    | (?P<sign><>|.)
    """
)
_ESCAPE = re.compile(r"(?s)\\(\s+\\|.)")
_CALLS = ("ruleCatches", "ruleCatchesNot", "assertChecks")
_ON_BUILD = {f"onBuildR{call[1:]}": call for call in _CALLS[:2]} | {
    "assertOnBuildChecks": "assertChecks"
}
_SHELLCHECKS = ("failsShellcheck", "passesShellcheck")
_RUN = re.compile(r"(?mi)^([ \t]*)(RUN[ \t])")
_LABELS = {"rawtext": "text", "githash": "hash"}


@dataclass(frozen=True)
class Case:
    place: str
    text: str
    code: str
    """The rule that is tested, or SC for any of ShellCheck's; empty where it is something else."""
    catches: bool
    flags: tuple[str, ...]
    options: Options


def read_cases(checkout: Path) -> Iterator[Case]:
    """Those of the rules, of pragmas, and of what once was wrong."""
    for path in sorted((checkout / "test").rglob("*Spec.hs")):
        if path.parent.name not in ("Config", "Formatter"):
            yield from _Reader(path.name, path.read_text()).cases()


class _Reader:
    """The calls in one file of tests."""

    def __init__(self, name: str, text: str) -> None:
        self.name = name
        self.tokens = [
            match for match in _TOKEN.finditer(text) if match.lastgroup and match[0].strip()
        ]
        self.text = text
        self.at = 0
        self.texts: dict[str, str] = {}
        self.flags: tuple[str, ...] = ()
        self.options = _options({}, (), strict=False)

    def cases(self) -> Iterator[Case]:
        while self.at < len(self.tokens) - 2:
            token = self.tokens[self.at]
            word = token[0]
            self.at += 1
            if word == "?config":
                self._config()
            elif word in _CALLS or word in _ON_BUILD:
                code = (self._expression() or "") if "Catches" in word else ""
                text = self._expression()
                if text is None:
                    continue
                if word in _ON_BUILD:
                    text = _RUN.sub(r"\1ONBUILD \2", text)
                if self._skip("(", ")") in _SHELLCHECKS:
                    code = "SC"
                line = self.text.count("\n", 0, token.start()) + 1
                catches = not word.endswith("Not") and self._peek() != "passesShellcheck"
                place = f"{self.name}:{line}"
                yield Case(place, f"{text}\n", code, catches, self.flags, self.options)
            elif self._peek() == "=" and token.lastgroup == "name":
                self.at += 1
                text = self._expression()
                if text is not None:
                    self.texts[word] = text

    def _peek(self) -> str:
        return self.tokens[self.at][0] if self.at < len(self.tokens) else ""

    def _skip(self, *signs: str) -> str:
        """The first token that is none of these."""
        while self._peek() in signs:
            self.at += 1
        return self._peek()

    def _string(self) -> str:
        raw = self.tokens[self.at][0][1:-1]
        self.at += 1
        named = {"n": "\n", "t": "\t", "r": "\r"}
        return _ESCAPE.sub(lambda m: "" if m[1][0].isspace() else named.get(m[1], m[1]), raw)

    def _expression(self) -> str | None:
        """A text: in quotes, by its name, or a list of lines."""
        if self._skip("$", "(", "do") in ("Text.unlines", "unlines"):
            self.at += 1
            return self._expression()
        if self._peek() == "[":
            return self._lines()
        if self._peek().startswith('"'):
            text = self._string()
            while self._peek() == "<>":
                self.at += 1
                text += self._string()
            return text
        text = self.texts.get(self._peek(), "")
        self.at += bool(text)
        return text or None

    def _lines(self) -> str | None:
        lines: list[str] = []
        while self._peek() != "]":
            self.at += 1
            if self._peek().startswith('"'):
                lines.append(self._string())
            elif self._peek() not in ("]", ","):
                return None
        self.at += 1
        return "".join(f"{line}\n" for line in lines)

    def _config(self) -> None:
        """`= def { allowedRegistries = ["x"], labelSchema = Map.fromList [("a", Url)] }`."""
        start = self.at
        depth = 0
        while self._peek() != "=":
            self.at += 1
        self.at += 2
        if self._peek() == "{":
            while depth or self.at == start + 2 or self._peek() == "{":
                depth += (self._peek() == "{") - (self._peek() == "}")
                self.at += 1
                if not depth:
                    break
        words = [token[0] for token in self.tokens[start : self.at]]
        strings = [word[1:-1] for word in words if word[0] == '"']
        labels: dict[str, str] = {}
        for before, sign, kind in zip(words, words[1:], words[2:], strict=False):
            if before[0] == '"' and sign == "," and kind[0].isupper():
                name = kind.removeprefix("Rule.").lower()
                labels[before[1:-1]] = _LABELS.get(name, name)
        registries = strings if "allowedRegistries" in words else []
        strict = "strictLabels" in words and words[words.index("strictLabels") + 2] == "True"
        self.options = _options(labels, registries, strict=strict)
        self.flags = (
            *(f"--require-label={name}:{kind}" for name, kind in labels.items()),
            *(f"--trusted-registry={name}" for name in registries),
            *(("--strict-labels",) if strict else ()),
        )


def _options(labels: dict[str, str], registries: Sequence[str], *, strict: bool) -> Options:
    return Options(
        labels={name: LabelType(kind) for name, kind in labels.items()},
        trusted_registries=tuple(registries),
        strict_labels=strict,
        shellcheck=False,
        levels={"DL1001": Level.INFO, "DL3057": Level.WARNING},
    )


def compared(cases: Sequence[Case]) -> Iterator[tuple[Case, set[Found], set[Found]]]:
    """Each with what hadolint finds and what we do."""
    for flags, some in groupby(sorted(cases, key=lambda case: case.flags), lambda case: case.flags):
        group = list(some)
        asked = ("--info=DL1001", "--warning=DL3057", *flags)
        for case, theirs in zip(
            group, findings_of_hadolint([case.text for case in group], *asked), strict=True
        ):
            yield case, set(theirs), _ours(case)


def _ours(case: Case) -> set[Found]:
    return {
        (each.code, each.line, each.level.value, "" if each.code == "DL1000" else each.message)
        for each in lint(Source(case.text), case.options).findings
    }


def _codes(case: Case, ours: set[Found]) -> set[str]:
    if case.code.startswith("DL"):
        return {code for code, *_ in ours}
    options = replace(case.options, shellcheck=True)
    return {each.code for each in lint(Source(case.text), options).findings}


def main() -> None:
    counted: Counter[str] = Counter()
    for case, theirs, ours in compared(list(read_cases(Path(sys.argv[1])))):
        counted["equal" if theirs == ours else "different"] += 1
        if case.code:
            is_found = any(code.startswith(case.code) for code in _codes(case, ours))
            counted["as the test wants" if is_found == case.catches else "not as it wants"] += 1
            if is_found != case.catches:
                print(f"{case.place}: {case.code} {'wanted' if case.catches else 'not wanted'}")
        if theirs != ours:
            print(f"{case.place}: {case.text!r}")
            for sign, only in (("-", theirs - ours), ("+", ours - theirs)):
                for found in sorted(only):
                    print(f"  {sign}", *found)
    print(dict(counted))


if __name__ == "__main__":
    main()
