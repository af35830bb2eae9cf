"""Ignore files: `<Dockerfile>.dockerignore`, or `.dockerignore` at the context's root.

The last rule that matches a path, or a folder above it, decides; `!` takes back. As BuildKit
walks a context, a path is asked for with the answer for its folder, whose matches it inherits.

Runs of rules without a change of sign are one question: a lookup for plain paths, one for
`**/name`, and a single expression for the rest. Which rule it was is found out when asked.

https://docs.docker.com/build/concepts/context/#dockerignore-files
"""

import re
from collections.abc import Iterable
from functools import cached_property
from itertools import groupby

from wherry.dockerfile.characters import SPACE
from wherry.dockerfile.ignore_patterns import Pattern, clean, compile_pattern
from wherry.errors import InvalidArgument
from wherry.values import dataclass

LARGEST = 4 << 20  # bytes


class InvalidIgnoreFile(InvalidArgument):
    def __init__(self, name: str, line: int, problem: str) -> None:
        super().__init__(f"{name}:{line}: {problem}")


@dataclass(frozen=True, slots=True)
class Rule:
    """A line of the file."""

    line: int
    text: str
    """As written."""
    includes: bool
    """Whether it takes back: the line began with `!`."""
    pattern: Pattern


@dataclass(frozen=True)
class _Group:
    """Neighbouring rules of one sign."""

    rules: tuple[Rule, ...]

    @property
    def includes(self) -> bool:
        return self.rules[0].includes

    @cached_property
    def _paths(self) -> frozenset[str]:
        return frozenset(r.pattern.path for r in self.rules if r.pattern.path is not None)

    @cached_property
    def _names(self) -> frozenset[str]:
        return frozenset(r.pattern.name for r in self.rules if r.pattern.name is not None)

    @cached_property
    def _expression(self) -> re.Pattern[str] | None:
        texts = [
            r.pattern.expression
            for r in self.rules
            if r.pattern.path is None and r.pattern.name is None
        ]
        return re.compile("|".join(f"(?:{text})" for text in texts)) if texts else None

    def matches(self, path: str) -> bool:
        if path in self._paths:
            return True
        if self._names and path.rpartition("/")[2] in self._names:
            return True
        return self._expression is not None and self._expression.fullmatch(path) is not None

    def rule_for(self, path: str) -> Rule | None:
        return next((rule for rule in self.rules if rule.pattern.matches(path)), None)

    def may_match_below(self, folder: str) -> bool:
        return any(rule.pattern.may_match_below(folder) for rule in self.rules)


@dataclass(frozen=True)
class Verdict:
    """Whether a path is left out of the context, and what its folder's children inherit."""

    path: str
    ignored: bool
    _groups: tuple[_Group, ...]
    _matched: tuple[bool, ...]
    _parent: "Verdict | None"

    @property
    def rule(self) -> Rule | None:
        """The rule that decided; None if none matched."""
        last = self._deciding
        verdict: Verdict | None = self
        found = None
        while last is not None and verdict is not None and verdict._matched[last]:
            # The group matched here or above; the topmost match is the one inherited.
            found = self._groups[last].rule_for(verdict.path) or found
            verdict = verdict._parent
        return found

    @property
    def _deciding(self) -> int | None:
        matched = [index for index, is_match in enumerate(self._matched) if is_match]
        return matched[-1] if matched else None

    @property
    def may_hold_included(self) -> bool:
        """For a folder: whether something below it may be in the context.

        Where not, nobody needs to look into it.
        """
        if not self.ignored:
            return True
        after = (self._deciding or 0) + 1
        return any(
            group.includes and group.may_match_below(self.path) for group in self._groups[after:]
        )


class IgnoreFile:
    """The rules of one file, compiled."""

    def __init__(self, rules: Iterable[Rule] = ()) -> None:
        self.rules = tuple(rules)
        self._groups = tuple(
            _Group(tuple(group)) for _, group in groupby(self.rules, lambda rule: rule.includes)
        )
        self._folders: dict[str, Verdict] = {}

    def verdict(self, path: str, parent: Verdict | None = None) -> Verdict:
        """The answer for `path`, relative to the context, given that for the folder it is in.

        `parent` is None at the top.
        """
        ignored = False
        matched: list[bool] = []
        for index, group in enumerate(self._groups):
            match = parent is not None and parent._matched[index]
            if not match and group.includes == ignored:
                match = group.matches(path)
            matched.append(match)
            if match:
                ignored = not group.includes
        return Verdict(path, ignored, self._groups, tuple(matched), parent)

    def decide(self, path: str) -> Verdict:
        """The answer for `path` by itself; those for its folders are remembered."""
        folder, slash, _ = path.rpartition("/")
        if not slash:
            return self.verdict(path)
        parent = self._folders.get(folder)
        if parent is None:
            parent = self._folders[folder] = self.decide(folder)
        return self.verdict(path, parent)


def parse_ignore_file(data: bytes | str, name: str = ".dockerignore") -> IgnoreFile:
    """The rules in `data`; InvalidIgnoreFile with the line at fault."""
    if len(data) > LARGEST:
        raise InvalidIgnoreFile(name, 1, f"larger than {LARGEST} bytes")
    text = data.decode("utf-8", "surrogateescape") if isinstance(data, bytes) else data
    rules = []
    for number, line in enumerate(text.removeprefix("\ufeff").split("\n"), 1):
        if line.startswith("#"):
            continue
        rule = _rule(line.strip(SPACE), number, name)
        if rule is not None:
            rules.append(rule)
    return IgnoreFile(rules)


def _rule(text: str, line: int, name: str) -> Rule | None:
    if not text:
        return None
    includes = text.startswith("!")
    path = text.removeprefix("!").strip(SPACE)
    if path:
        path = clean(path)
        if len(path) > 1:
            path = path.removeprefix("/")
    elif includes:
        raise InvalidIgnoreFile(name, line, 'illegal exclusion pattern: "!"')
    pattern = compile_pattern(path)
    if pattern is None:
        raise InvalidIgnoreFile(name, line, f"syntax error in pattern: {text}")
    return Rule(line, text, includes, pattern)


def ignore_file_names(dockerfile: str) -> tuple[str, str]:
    """Where the rules for `dockerfile` may be: the first that exists is the one."""
    return f"{dockerfile}.dockerignore", ".dockerignore"
