"""`useradd` with a high number writes a huge sparse file.

/var/log/lastlog has a place for each user up to that number, and a layer's archive fills it
with zeros. `-l` leaves the file alone.

Bad:

    FROM debian:12
    RUN useradd -u 100001 app

Good:

    FROM debian:12
    RUN useradd -l -u 100001 app
"""

from wherry.lint.finding import Level
from wherry.lint.inserting import behind_name
from wherry.lint.rule import Rule, in_commands
from wherry.lint.shell import Command, Word

_HARMLESS_DIGITS = 5


def _is_wrong(command: Command) -> bool:
    if command.name != "useradd" or command.has_flag("l", "no-log-init"):
        return False
    return any(
        text.startswith("-")
        and not text.startswith("--")
        and "u" in text
        and _length(command.words[at + 1]) > _HARMLESS_DIGITS
        for at, text in enumerate(command.texts[:-1])
    )


def _length(word: Word) -> int:
    """That of the text, also of a variable, as if in braces: who knows what is in it."""
    return len(word.text) + sum(len("{}") for name in word.variables if name[1:2] not in "{(")


RULE = Rule(
    "DL3046",
    Level.WARNING,
    "`useradd` without flag `-l` and high UID will result in excessively large Image.",
    in_commands(_is_wrong),
    behind_name(_is_wrong, "-l"),
)
