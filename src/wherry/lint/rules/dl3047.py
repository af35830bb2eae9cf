"""wget's progress bar fills build logs.

Bad:

    FROM debian:12
    RUN wget https://example.com/file

Good:

    FROM debian:12
    RUN wget --progress=dot:giga https://example.com/file
"""

from wherry.lint.document import Document, RunStep
from wherry.lint.finding import Level
from wherry.lint.inserting import behind_name
from wherry.lint.pipefail import BASH, shell_of
from wherry.lint.rule import Rule, in_commands
from wherry.lint.shell import Command

_WITH_GNU = ("apt-get", "apt", "yum", "dnf", "microdnf", "zypper")
_CALM = ("progress", "q", "quiet", "no-verbose", "o", "output-file", "a", "append-output")


def _is_wrong(command: Command) -> bool:
    return (
        command.name == "wget"
        and not command.has_flag(*_CALM)
        and not any(text.startswith("-") and "nv" in text for text in command.texts)
    )


def _quiet_flag(document: Document, run: RunStep) -> str:
    """With -q GNU's wget hides what went wrong; busybox does not, and has no -nv."""
    stages = set(document.ancestry(run.step.stage))
    is_gnu = shell_of(document, run.step.stage) == BASH or any(
        other.script.uses(*_WITH_GNU) for other in document.runs if other.step.stage in stages
    )
    return "-nv" if is_gnu else "-q"


RULE = Rule(
    "DL3047",
    Level.INFO,
    "Avoid use of wget without progress bar. Use `wget --progress=dot:giga <url>`. Or consider "
    "using `-q` or `-nv` (shorthands for `--quiet` or `--no-verbose`).",
    in_commands(_is_wrong),
    behind_name(_is_wrong, _quiet_flag),
)
