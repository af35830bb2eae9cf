"""yarn's cache should not stay in the image.

Bad:

    FROM node:22
    RUN yarn install

Good:

    FROM node:22
    RUN yarn install && yarn cache clean
"""

from collections.abc import Iterator

from wherry.lint.chains import appended, is_cleaned_up
from wherry.lint.document import Document, RunStep
from wherry.lint.finding import Level
from wherry.lint.mounts import mounts_below
from wherry.lint.options import Options
from wherry.lint.rule import Edit, Hit, Rule
from wherry.lint.shell import Command


def _installs(command: Command) -> bool:
    return command.name == "yarn" and command.has_any("install")


def _cleans(command: Command) -> bool:
    # One of the words is enough for hadolint: `rm -rf "$(yarn cache dir)"` cleans up too.
    return command.name == "yarn" and command.has_any("cache", "clean")


def _is_wrong(run: RunStep) -> bool:
    return not is_cleaned_up(run.script, _installs, _cleans) and not mounts_below(
        run, "/.cache/yarn"
    )


def check(document: Document, options: Options) -> Iterator[Hit]:
    """Of stages whose files end up somewhere: the last one, and those others are built on."""
    del options
    kept = {index for index in document.bases if index is not None}
    kept.add(len(document.froms) - 1)
    for run in document.runs:
        if (run.step.stage in kept or run.step.is_trigger) and _is_wrong(run):
            yield Hit(run.step)


def fix(document: Document) -> Iterator[Edit]:
    for hit in check(document, Options()):
        yield from appended(document, hit.step, "yarn cache clean")


RULE = Rule(
    "DL3060",
    Level.INFO,
    "`yarn cache clean` missing after `yarn install` was run.",
    check,
    fix,
)
