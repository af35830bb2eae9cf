"""Images come from registries that are trusted.

Only where `trustedRegistries` names some.

Bad (with docker.io trusted):

    FROM example.com/app:1

Good:

    FROM debian:12
"""

from collections.abc import Iterator

from wherry.dockerfile.instructions import Copy
from wherry.lint.document import Document, Step
from wherry.lint.finding import Level
from wherry.lint.images import ImageName
from wherry.lint.options import Options
from wherry.lint.rule import Hit, Rule

_HUB = ("docker.io", "hub.docker.com")


def check(document: Document, options: Options) -> Iterator[Hit]:
    if not options.trusted_registries:
        return
    names = {"scratch"}
    for step, image in _images(document):
        if image in names or (image.isdecimal() and int(image[:9]) <= step.stage):
            continue
        if not _is_trusted(ImageName.of(image).domain, options.trusted_registries):
            yield Hit(step)
        base = document.froms[step.stage][1] if step.stage >= 0 else None
        if base is not None and base.alias:
            names.add(base.alias.text)


def _images(document: Document) -> Iterator[tuple[Step, str]]:
    found: list[tuple[Step, str]] = [(step, base.image.text) for step, base in document.froms]
    found += [
        (step, copy.from_.text)
        for step, copy in document.instructions(Copy)
        if copy.from_ is not None and not step.is_trigger
    ]
    found += [
        (run.step, mount.from_)
        for run in document.runs
        if not run.step.is_trigger
        for mount in run.mounts
        if mount.from_
    ]
    yield from sorted(found, key=lambda item: item[0].number)


def _is_trusted(domain: str, trusted: tuple[str, ...]) -> bool:
    if not domain:
        return any(_matches(name, pattern) for pattern in trusted for name in _HUB)
    return any(_matches(domain, pattern) for pattern in trusted)


def _matches(domain: str, pattern: str) -> bool:
    """A star stands for the first or the last part of a name, alone for all."""
    if pattern == "*":
        return True
    if pattern.startswith("*"):
        return domain.endswith(pattern[1:])
    if pattern.endswith("*"):
        return domain.startswith(pattern[:-1])
    return domain == pattern


RULE = Rule("DL3026", Level.ERROR, "Use only an allowed registry in the FROM image", check)
