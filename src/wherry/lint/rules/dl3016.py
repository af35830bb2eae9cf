"""Packages of npm should have a version.

Bad:

    FROM node:22
    RUN npm install express

Good:

    FROM node:22
    RUN npm install express@4.19.2
"""

from collections.abc import Iterator

from wherry.lint.finding import Level
from wherry.lint.rule import Pin, Rule, in_commands
from wherry.lint.shell import Command, Word

_FILES = (".tar", ".tar.gz", ".tgz")
_PATHS = ("/", "./", "../", "~/")
_REPOSITORIES = ("git://", "git+ssh://", "git+http://", "git+https://")


def _is_pinned(package: str) -> bool:
    if package.startswith(_REPOSITORIES):
        return "#" in package
    if package.startswith(_PATHS) or package.endswith(_FILES):
        return True
    return "@" in package.removeprefix("@")


def _unpinned(command: Command) -> Iterator[Word]:
    words = [word for word in command.words if not word.is_flag]
    if command.name == "npm" and words and words[0].text == "install":
        for word in command.operands("loglevel", "registry"):
            if word.text != "install" and not _is_pinned(word.text):
                yield word


RULE = Rule(
    "DL3016",
    Level.WARNING,
    "Pin versions in npm. Instead of `npm install <package>` use `npm install <package>@<version>`",
    in_commands(lambda command: any(_unpinned(command))),
    pin=Pin("npm", "@", _unpinned),
)
