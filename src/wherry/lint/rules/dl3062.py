"""Packages of go should have a version.

Bad:

    FROM golang:1.23
    RUN go install example.com/tool@latest

Good:

    FROM golang:1.23
    RUN go install example.com/tool@v1.2.3
"""

from wherry.lint.finding import Level
from wherry.lint.rule import Rule, in_commands
from wherry.lint.shell import Command

_ACTIONS = ("install", "get", "run")
_NO_PACKAGES = (*_ACTIONS, "tool")


def _is_wrong(command: Command) -> bool:
    if command.name != "go" or not command.has_any(*_ACTIONS):
        return False
    packages = [word.text for word in command.operands() if word.text not in _NO_PACKAGES]
    if command.has_any("run"):
        packages = packages[:1]  # what follows are the program's own
    return any(
        not package.startswith((".", "/")) and ("@" not in package or package.endswith("@latest"))
        for package in packages
    )


RULE = Rule(
    "DL3062",
    Level.WARNING,
    "Pin versions in go. Instead of `go install <package>` use `go install <package>@<version>`",
    in_commands(_is_wrong),
)
