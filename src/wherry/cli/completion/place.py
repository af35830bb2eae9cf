"""Where in a command line the cursor stands."""

import sys
from collections.abc import Sequence

from wherry.cli.commands import find, rows
from wherry.cli.flags import Flag, FlagSet, Syntax
from wherry.values import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """What is being written: a word below `below`, a flag, its value, or an operand.

    `head` is the part of the word that stays: the `--flag=` before a value.
    """

    word: str
    below: str | None = None  # the words before a command's next one; None where none can follow
    flags: tuple[Flag, ...] = ()  # those that can be named here
    flag: Flag | None = None  # the one whose value is written
    head: str = ""
    module: str = ""  # the command's, below `wherry.cli`
    syntax: Syntax | None = None  # the command's, where an operand is written
    operands: tuple[str, ...] = ()  # those before this one


def place_in(words: Sequence[str], options: type[FlagSet]) -> Place:
    """The place of the last of `words`, which follow the program's name and its `options`."""
    *before, word = words or ("",)
    top = _Reading(options, before, interspersed=False)
    if top.awaited is not None or not top.operands:
        return _placed(top, word, "")
    row, count = find(top.operands)
    name = " ".join(top.operands)
    if row is None:
        return Place(word=word, below=name)
    __import__(row.module)
    module = sys.modules[row.module]
    syntax: Syntax = module.SYNTAX
    below = name if count == len(top.operands) and _has_more(name) else None
    reading = _Reading(module.Flags, top.operands[count:], interspersed=syntax.interspersed)
    return _placed(reading, word, below, row.module.removeprefix("wherry.cli."), syntax)


def _placed(
    reading: "_Reading",
    word: str,
    below: str | None,
    module: str = "",
    syntax: Syntax | None = None,
) -> Place:
    if reading.awaited is not None:
        return Place(word=word, flag=reading.awaited, module=module)
    if word.startswith("-") and reading.takes_flags:
        name, equals, _ = word.partition("=")
        flag = reading.by_name.get(name.removeprefix("--")) if equals else None
        if flag is not None:
            return Place(word=word, flag=flag, head=name + equals, module=module)
        return Place(word=word, flags=tuple(reading.by_name.values()), module=module)
    operands = tuple(reading.operands)
    return Place(word=word, below=below, module=module, syntax=syntax, operands=operands)


def _has_more(name: str) -> bool:
    return any(other.startswith(name + " ") for row in rows() for other in row.names)


class _Reading:
    """The words before the cursor: operands, and a flag that still waits for its value."""

    def __init__(self, flags: type[FlagSet], words: Sequence[str], *, interspersed: bool) -> None:
        self.by_name = flags.declared()
        self._by_short = {flag.short: flag for flag in self.by_name.values() if flag.short}
        self.operands: list[str] = []
        self.awaited: Flag | None = None
        self.takes_flags = True
        for word in words:
            if self.awaited is not None:
                self.awaited = None
            elif not self.takes_flags or len(word) < len("-f") or word[0] != "-":
                self.operands.append(word)
                self.takes_flags = self.takes_flags and interspersed
            elif word == "--":
                self.takes_flags = False
            else:
                self.awaited = self._awaited_by(word)

    def _awaited_by(self, word: str) -> Flag | None:
        if word.startswith("--"):
            flag = self.by_name.get(word[2:])  # none when the value follows an equals sign
            return None if flag is None or flag.alone else flag
        for at, letter in enumerate(word[1:], 2):
            flag = self._by_short.get(letter)
            if flag is None or not flag.alone:
                return flag if at == len(word) else None
        return None
