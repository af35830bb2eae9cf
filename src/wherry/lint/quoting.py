"""Quotes in RUN, where ShellCheck asks for them: SC2086 around variables, SC2046 around commands.

    tar -C /opt -xf app-$(uname -m).tar     ->  tar -C /opt -xf app-"$(uname -m)".tar

Quoted without asking is what certainly is one word: the output of `uname -m` and its like, and a
variable that holds it. Elsewhere somebody may mean it to be split into words; then it is done for
those who ask for unsafe repairs.
"""

from collections.abc import Iterator

from wherry.lint.document import Document
from wherry.lint.rule import Edit
from wherry.lint.shell import Script
from wherry.lint.shellcheck import Checking, Comment

CODES = ("SC2086", "SC2046")
_ONE_WORD = frozenset(
    (
        *("uname -m", "uname -s", "uname -r", "arch", "nproc", "id -u", "id -g", "whoami"),
        *("dpkg --print-architecture", "apk --print-arch", "lsb_release -cs", "mktemp"),
        *("mktemp -d", "getconf LONG_BIT", "date +%s", "hostname"),
    )
)
_SETTING = ("read", "eval", ".", "source", "for", "unset", "declare", "local", "printf", "getopts")


def quoted(document: Document, *, unsafe: bool) -> Iterator[tuple[str, Edit]]:
    """The edits, each with the code it is for; none where ShellCheck is not installed."""
    checking = Checking([document])
    try:
        comments = [each for each in checking.comments() if each.code in CODES]
    finally:
        checking.close()
    for comment in comments:
        place = comment.place
        run = comment.script.run
        if place is not None and not run.run.command.is_exec:
            text = run.text[place[0] : place[1]]
            if text.startswith("$") and (unsafe or _is_one_word(comment, text)):
                yield comment.code, (run.span(*place), f'"{text}"')


def _is_one_word(comment: Comment, text: str) -> bool:
    if text.startswith("$("):
        return _says_one_word(text)
    return _holds_one_word(comment.script.run.script, text.strip("${}"))


def _says_one_word(substitution: str) -> bool:
    return " ".join(substitution[2:-1].split()) in _ONE_WORD


def _holds_one_word(script: Script, name: str) -> bool:
    """Whether the script sets the variable once, to what is one word, and not in another way."""
    values = [item.value for item in script.assignments if item.name == name]
    return (
        len(values) == 1
        and values[0].startswith("$(")
        and _says_one_word(values[0])
        and not script.uses(*_SETTING)
    )
