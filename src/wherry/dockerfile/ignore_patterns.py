"""Patterns of ignore files: Go's filepath.Match with `**` for any folders.

*   anything but /        **   anything, / included       [a-z] [^a-z]   one of, none of
?   one but /             \\c   the character c
"""

import re
from functools import cached_property

from wherry.values import dataclass

_ANY = "(?s:.*)"
_SPECIAL = "*?[]\\"


@dataclass(frozen=True)
class Pattern:
    """A cleaned pattern.

    `path` is set if it matches only itself; `name` if it is `**/name`, which matches wherever the
    last part of a path is `name`.
    """

    text: str
    expression: str
    path: str | None = None
    name: str | None = None

    @cached_property
    def _compiled(self) -> re.Pattern[str]:
        return re.compile(self.expression)

    def matches(self, path: str) -> bool:
        return self._compiled.fullmatch(path) is not None

    @cached_property
    def _parts(self) -> tuple[re.Pattern[str] | None, ...]:
        """An expression for each folder; None from the first part that may span several."""
        parts: list[re.Pattern[str] | None] = []
        for part in self.text.split("/"):
            # Where an escape or a set holds a slash, splitting at it means nothing.
            expression = None if "**" in part else _translate(part)
            if expression is None or not _is_sound(part):
                return (*parts, None)
            parts.append(re.compile(expression))
        return tuple(parts)

    def may_match_below(self, folder: str) -> bool:
        """Whether the pattern may match a path inside of `folder`."""
        names = folder.split("/")
        for name, part in zip(names, self._parts, strict=False):
            if part is None:
                return True
            if not part.fullmatch(name):
                return False
        return len(self._parts) > len(names)


def clean(path: str) -> str:
    """Go's filepath.Clean."""
    kept: list[str] = []
    rooted = path.startswith("/")
    for part in path.split("/"):
        if part in ("", "."):
            continue
        if part == ".." and kept and kept[-1] != "..":
            kept.pop()
        elif part != ".." or not rooted:
            kept.append(part)
    return ("/" if rooted else "") + "/".join(kept) or "."


def compile_pattern(text: str) -> Pattern | None:
    """The pattern, or None if it is malformed."""
    if not _is_sound(text):
        return None
    expression = _translate(text)
    if expression is None:
        return None
    try:
        re.compile(expression)
    except re.error:
        return None  # a range the wrong way round
    special = any(character in text for character in "*?[]\\")
    name = text.removeprefix("**/")
    plain_name = text.startswith("**/") and not any(c in name for c in "*?[]\\/")
    return Pattern(
        text,
        expression,
        path=None if special else text,
        name=name if plain_name and name else None,
    )


def _translate(text: str) -> str | None:
    """A regular expression for the whole of a path."""
    out: list[str] = []
    at = 0
    in_set = False
    while at < len(text):
        character = text[at]
        at += 1
        if in_set:
            if character == "\\":
                out.append(re.escape(text[at : at + 1]))
                at += 1
            elif character == "]":
                in_set = False
                out.append("]")
            elif character in "-^":
                out.append(character)
            else:
                out.append(re.escape(character))
        elif character == "*" and text.startswith("*", at):
            start = at == 1
            at += 1
            slash = text.startswith("/", at)
            at += slash
            if at >= len(text):
                out.append(_ANY)
            elif start and not slash and not any(c in _SPECIAL for c in text[at:]):
                out.append(_ANY)  # **name: any path that ends so, but with a wildcard ...
            else:
                out.append(f"(?:{_ANY}/)?")  # ... only whole parts; so patternmatcher has it
        elif character == "*":
            out.append("[^/]*")
        elif character == "?":
            out.append("[^/]")
        elif character == "[":
            in_set = True
            out.append("[")
            if text.startswith("^", at):
                out.append("^")
                at += 1
        elif character == "\\":
            out.append(re.escape(text[at : at + 1]))
            at += 1
        else:
            out.append(re.escape(character))
    return None if in_set else "".join(out)


def _is_sound(text: str) -> bool:
    """Whether Go's filepath.Match takes the pattern."""
    at = 0
    while at < len(text):
        character = text[at]
        at += 1
        if character == "\\":
            if at == len(text):
                return False
            at += 1
        elif character == "[":
            end = _end_of_set(text, at)
            if end < 0:
                return False
            at = end
    return True


def _end_of_set(text: str, at: int) -> int:
    """Behind the `]` of the set whose inside begins at `at`; -1 if it is malformed."""
    at += text.startswith("^", at)
    start = at
    while not (text.startswith("]", at) and at > start):
        at = _end_of_member(text, at)
        if at < 0:
            return -1
        if text.startswith("-", at):
            at = _end_of_member(text, at + 1)
            if at < 0:
                return -1
    return at + 1


def _end_of_member(text: str, at: int) -> int:
    if at >= len(text) or text[at] in "-]":
        return -1
    at += 2 if text[at] == "\\" else 1
    return at if at < len(text) else -1
