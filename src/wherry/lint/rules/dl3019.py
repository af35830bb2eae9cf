"""`apk add --no-cache` leaves no index behind.

Bad:

    FROM alpine:3.20
    RUN apk add curl=8.9.1-r1

Good:

    FROM alpine:3.20
    RUN apk add --no-cache curl=8.9.1-r1
"""

from wherry.lint.document import RunStep
from wherry.lint.finding import Level
from wherry.lint.inserting import behind_word
from wherry.lint.mounts import mounts_over
from wherry.lint.rule import Rule, in_runs
from wherry.lint.shell import Command


def _is_wrong(command: Command) -> bool:
    return command.name == "apk" and command.has_any("add") and not command.has_flag("no-cache")


def _keeps_cache(run: RunStep) -> bool:
    return any(_is_wrong(command) for command in run.script.calls("apk")) and not mounts_over(
        run, "/var/cache/apk"
    )


RULE = Rule(
    "DL3019",
    Level.INFO,
    "Use the `--no-cache` switch to avoid the need to use `--update` and remove "
    "`/var/cache/apk/*` when done installing packages",
    in_runs(_keeps_cache),
    behind_word(_is_wrong, "add", "--no-cache", of=_keeps_cache),
)
