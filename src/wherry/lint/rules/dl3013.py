"""Packages of pip should have a version.

Bad:

    FROM python:3.12
    RUN pip install --no-cache-dir flask

Good:

    FROM python:3.12
    RUN pip install --no-cache-dir flask==3.0.3
"""

from collections.abc import Iterator

from wherry.lint.finding import Level
from wherry.lint.pip import installs, packages
from wherry.lint.rule import Pin, Rule, in_commands
from wherry.lint.shell import Command, Word

_COMPARISONS = ("==", ">=", "<=", ">", "<", "!=", "~=", "===")
_FILES = (".whl", ".tar.gz")
_LISTS = ("-r", "--requirement", "-c", "--constraint")


def _is_pinned(package: str) -> bool:
    if package.endswith(_FILES) or any(sign in package for sign in _COMPARISONS):
        return True
    if package.startswith("git+"):
        return "@" in package.partition("://")[2]
    return "/" in package or "@" in package or package in (".", "..")


def _is_wrong(command: Command) -> bool:
    if not installs(command):
        return False
    if any(text.partition("=")[0] in _LISTS or text == "." for text in command.texts):
        return False
    return not all(_is_pinned(package) for package in packages(command))


def _unpinned(command: Command) -> Iterator[Word]:
    if _is_wrong(command):
        wanted = [package for package in packages(command) if not _is_pinned(package)]
        yield from (word for word in command.words if word.text in wanted)


RULE = Rule(
    "DL3013",
    Level.WARNING,
    "Pin versions in pip. Instead of `pip install <package>` use "
    "`pip install <package>==<version>` or `pip install --requirement <requirements file>`",
    in_commands(_is_wrong),
    pin=Pin("pip", "==", _unpinned),
)
