"""Versions of packages, written behind their names: those that an image built before has.

    apt-get install -y curl     ->  apt-get install -y curl=7.88.1-10+deb12u8

`installed` has them by package manager; it comes from the image (`wherry.engine.images.packages`).
"""

from collections.abc import Iterator, Mapping

from wherry.lint.document import Document, RunStep
from wherry.lint.rule import Edit, Pin
from wherry.lint.shell import Word

Installed = Mapping[str, Mapping[str, str]]


def pinned(document: Document, pin: Pin, installed: Installed) -> Iterator[Edit]:
    """A version behind each package that has none here and one in the image."""
    versions = installed.get(pin.manager, {})
    for run in document.runs:
        if run.run.command.is_exec:
            continue  # the text is not the file's
        for command in run.script.commands:
            for word in pin.unpinned(command):
                version = _version(run, word, versions, pin.manager)
                if version:
                    yield _edit(run, word, f"{pin.sign}{version}")


def _version(run: RunStep, word: Word, versions: Mapping[str, str], manager: str) -> str:
    """That of a package written plainly; "" if it has none, or one that a shell would change."""
    plain = run.text[word.start : word.end] == word.text and word.is_known
    name = word.text
    if manager == "pip":
        name = normalised(name.partition("[")[0])
        plain = plain and "[" not in word.text  # a pattern to the shell, unless it is quoted
    elif manager == "apt":
        name = name.partition(":")[0]
    version = versions.get(name, "") if plain else ""
    return version if all(c.isalnum() or c in ".+-:~_" for c in version) else ""


def _edit(run: RunStep, word: Word, text: str) -> Edit:
    end = run.span(word.start, word.end).end
    return type(run.step.span)(end, end), text


def normalised(name: str) -> str:
    """A name of Python's package index: case and the signs between words do not count."""
    return "-".join(part for part in name.lower().replace("_", "-").replace(".", "-").split("-"))
