"""ADD unpacks archives by itself.

COPY and a RUN that extracts leave the archive in one layer and its content in the next.

Bad:

    FROM debian:12
    COPY app.tar.gz /srv/
    RUN tar -xzf /srv/app.tar.gz

Good:

    FROM debian:12
    ADD app.tar.gz /srv/
"""

from collections.abc import Iterator

from wherry.dockerfile.instructions import Copy
from wherry.lint.archives import is_archive
from wherry.lint.document import Document
from wherry.lint.finding import Level
from wherry.lint.options import Options
from wherry.lint.paths import last_part, without_quotes
from wherry.lint.rule import Hit, Rule
from wherry.lint.shell import Command

_UNPACKERS = (
    *("gunzip", "bunzip2", "unlzma", "unxz", "zgz", "uncompress", "zcat", "gzcat", "unzip"),
)


def _unpacks(command: Command) -> bool:
    if command.name == "tar":
        return command.has_flag("x", "extract", "get")
    return command.name in _UNPACKERS


def check(document: Document, options: Options) -> Iterator[Hit]:
    del options
    unpacked: dict[tuple[int, str], int] | None = None
    for step, copy in document.instructions(Copy):
        if step.is_trigger or copy.from_ is not None:
            continue
        names = {last_part(source.text) for source in copy.sources if is_archive(source.text)}
        if is_archive(copy.destination.text):
            names = {last_part(copy.destination.text)}
        if names and unpacked is None:
            unpacked = _unpacked(document)
        if any((unpacked or {}).get((step.stage, name), 0) > step.number for name in names):
            yield Hit(step)


def _unpacked(document: Document) -> dict[tuple[int, str], int]:
    """By stage and name of the file, the last RUN that unpacks it."""
    return {
        (run.step.stage, last_part(without_quotes(word.text))): run.step.number
        for run in document.runs
        if not run.step.is_trigger
        for command in run.script.commands
        if _unpacks(command)
        for word in command.words
    }


RULE = Rule("DL3010", Level.INFO, "Use `ADD` for extracting archives into an image", check)
