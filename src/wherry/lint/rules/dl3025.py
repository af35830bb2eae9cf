"""CMD and ENTRYPOINT take a JSON array.

As a text, a shell runs it: the shell is process 1, signals do not reach the program, and
arguments of `docker run` are lost.

Bad:

    FROM debian:12
    CMD nginx -g daemon

Good:

    FROM debian:12
    CMD ["nginx", "-g", "daemon"]
"""

from collections.abc import Iterator

from wherry.dockerfile.instructions import (
    Cmd,
    CommandLine,
    Entrypoint,
    Healthcheck,
    Instruction,
    Shell,
)
from wherry.lint.document import Document
from wherry.lint.finding import Level
from wherry.lint.options import Options
from wherry.lint.rule import Edit, Hit, Rule

_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./:,+@% ")


def _command(instruction: Instruction) -> CommandLine | None:
    if isinstance(instruction, Cmd | Entrypoint | Healthcheck):
        return instruction.command
    return None


def check(document: Document, options: Options) -> Iterator[Hit]:
    del options
    for step in document.of(Cmd, Entrypoint, Healthcheck):
        command = _command(step.instruction)
        if not step.is_trigger and command and command.words and not command.is_exec:
            yield Hit(step)


def fix(document: Document) -> Iterator[Edit]:
    """Words as they are, where a shell would do nothing but split them."""
    if document.of(Shell):
        return  # who knows what that shell makes of the words
    import json  # for those who repair; 2 ms

    for hit in check(document, Options()):
        command = _command(hit.step.instruction) if hit.step else None
        if command is None or len(command.words) != 1:
            continue
        text = command.words[0].text
        words = text.split()
        # The shell's own words, and programs found only by it, need the shell.
        if not words or not set(text) <= _PLAIN or words[0] in _BUILTINS:
            continue
        yield command.words[0].span, json.dumps(words)


_BUILTINS = frozenset(
    (
        *(".", ":", "cd", "command", "eval", "exec", "exit", "export", "read", "set"),
        *("shift", "source", "test", "trap", "type", "ulimit", "umask", "unset", "wait", "if"),
        *("for", "while", "case", "until", "function", "time", "alias", "bg", "fg", "jobs"),
        *("local", "return", "times"),
    )
)

RULE = Rule(
    "DL3025",
    Level.WARNING,
    "Use arguments JSON notation for CMD and ENTRYPOINT arguments",
    check,
    fix,
)
