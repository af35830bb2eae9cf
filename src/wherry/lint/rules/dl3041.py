"""Packages of dnf should have a version.

Bad:

    FROM fedora:40
    RUN dnf install -y httpd && dnf clean all

Good:

    FROM fedora:40
    RUN dnf install -y httpd-2.4.62 && dnf clean all
"""

from wherry.lint.finding import Level
from wherry.lint.rpm import DNF, names_no_version, pin
from wherry.lint.rule import Rule

RULE = Rule(
    "DL3041",
    Level.WARNING,
    "Specify version with `dnf install -y <package>-<version>`.",
    names_no_version(*DNF),
    pin=pin(*DNF),
)
