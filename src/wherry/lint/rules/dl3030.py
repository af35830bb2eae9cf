"""`yum install` asks, and a build cannot answer.

Bad:

    FROM centos:7
    RUN yum install httpd-2.4.6 && yum clean all

Good:

    FROM centos:7
    RUN yum install -y httpd-2.4.6 && yum clean all
"""

from wherry.lint.finding import Level
from wherry.lint.inserting import behind_word
from wherry.lint.rule import Rule, in_commands
from wherry.lint.shell import Command

_ASKING = ("install", "groupinstall", "localinstall")


def _is_wrong(command: Command) -> bool:
    return (
        command.name == "yum"
        and command.has_any(*_ASKING)
        and not command.has_flag("y", "assumeyes")
    )


RULE = Rule(
    "DL3030",
    Level.WARNING,
    "Use the -y switch to avoid manual input `yum install -y <package>`",
    in_commands(_is_wrong),
    behind_word(_is_wrong, _ASKING, "-y"),
)
