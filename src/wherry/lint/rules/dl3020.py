"""COPY copies; ADD also unpacks and downloads.

Where neither is meant, COPY says so, and a file that becomes an archive one day is still copied.

Bad:

    FROM debian:12
    ADD app.py /srv/

Good:

    FROM debian:12
    COPY app.py /srv/
"""

from collections.abc import Iterator

from wherry.dockerfile.instructions import Add
from wherry.lint.archives import is_archive
from wherry.lint.document import Document
from wherry.lint.finding import Level
from wherry.lint.options import Options
from wherry.lint.paths import without_quotes
from wherry.lint.rule import Edit, Hit, Rule

_SCHEMES = ("http://", "https://")


def check(document: Document, options: Options) -> Iterator[Hit]:
    del options
    for step, add in document.instructions(Add):
        sources = [without_quotes(source.text) for source in add.sources]
        if not step.is_trigger and not all(
            source.startswith(_SCHEMES) or is_archive(source) for source in sources
        ):
            yield Hit(step)


def fix(document: Document) -> Iterator[Edit]:
    for hit in check(document, Options()):
        add = hit.step.instruction if hit.step else None
        if isinstance(add, Add) and all(_is_a_plain_file(word.text) for word in add.sources):
            if add.checksum or add.unpack is not None or add.keep_git_dir is not None:
                continue  # flags that COPY does not have
            yield add.keyword.span, "COPY" if add.keyword.text.isupper() else "copy"


def _is_a_plain_file(source: str) -> bool:
    """Whether ADD only copies it: no URL, no repository, no archive, nothing unknown."""
    text = without_quotes(source)
    return not (
        "://" in text or text.startswith("git@") or is_archive(text) or set("$*?[\\") & set(text)
    )


RULE = Rule("DL3020", Level.ERROR, "Use COPY instead of ADD for files and folders", check, fix)
