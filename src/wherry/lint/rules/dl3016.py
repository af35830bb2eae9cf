"""Packages of npm should have a version.

Bad:

    FROM node:22
    RUN npm install express

Good:

    FROM node:22
    RUN npm install express@4.19.2
"""

from wherry.lint.finding import Level
from wherry.lint.rule import Rule, in_commands
from wherry.lint.shell import Command

_FILES = (".tar", ".tar.gz", ".tgz")
_PATHS = ("/", "./", "../", "~/")
_REPOSITORIES = ("git://", "git+ssh://", "git+http://", "git+https://")


def _is_pinned(package: str) -> bool:
    if package.startswith(_REPOSITORIES):
        return "#" in package
    if package.startswith(_PATHS) or package.endswith(_FILES):
        return True
    return "@" in package.removeprefix("@")


def _is_wrong(command: Command) -> bool:
    if command.name != "npm":
        return False
    words = [word for word in command.words if not word.is_flag]
    if not words or words[0].text != "install":
        return False
    packages = [word.text for word in command.operands("loglevel", "registry")]
    return not all(_is_pinned(package) for package in packages if package != "install")


RULE = Rule(
    "DL3016",
    Level.WARNING,
    "Pin versions in npm. Instead of `npm install <package>` use `npm install <package>@<version>`",
    in_commands(_is_wrong),
)
