"""The lists that `apt-get update` fetches should not stay in the image.

They are tens of megabytes and out of date when the image is used. Removed in a later RUN they
are still in the layer below.

Bad:

    FROM debian:12
    RUN apt-get update && apt-get install -y --no-install-recommends curl=7.88.1-10

Good:

    FROM debian:12
    RUN apt-get update && apt-get install -y --no-install-recommends curl=7.88.1-10 \\
     && rm -rf /var/lib/apt/lists/*
"""

from collections.abc import Iterator

from wherry.lint.chains import appended
from wherry.lint.document import Document, RunStep
from wherry.lint.finding import Level
from wherry.lint.mounts import mounts_over
from wherry.lint.options import Options
from wherry.lint.rule import Edit, Hit, Rule

_UPDATERS = ("apt-get", "apt", "aptitude")
_LISTS = "/var/lib/apt/lists"


def _leaves_lists(run: RunStep) -> bool:
    script = run.script
    return any(command.has_any("update") for command in script.calls(*_UPDATERS)) and not (
        # Any forced removal counts for hadolint; whether it is of the lists, it does not ask.
        any(command.has_any("-rf", f"{_LISTS}/*") for command in script.calls("rm"))
        or mounts_over(run, _LISTS)
        or (mounts_over(run, "/var/lib/apt") and mounts_over(run, "/var/cache/apt"))
    )


def check(document: Document, options: Options) -> Iterator[Hit]:
    """Of stages whose files end up somewhere: the last one, and those others are built on."""
    del options
    kept = {index for index in document.bases if index is not None}
    kept.add(len(document.froms) - 1)
    for run in document.runs:
        if (run.step.stage in kept or run.step.is_trigger) and _leaves_lists(run):
            yield Hit(run.step)


def fix(document: Document) -> Iterator[Edit]:
    """The lists away behind an installation. An update alone is for something that follows."""
    for hit in check(document, Options()):
        run = next(run for run in document.runs if run.step is hit.step)
        if any(command.has_any("install") for command in run.script.calls(*_UPDATERS)):
            yield from appended(document, hit.step, f"rm -rf {_LISTS}/*")


RULE = Rule(
    "DL3009",
    Level.INFO,
    "Delete the apt lists (/var/lib/apt/lists) after installing something",
    check,
    fix,
)
