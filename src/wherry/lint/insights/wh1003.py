"""An image should not get a gigabyte out of the context by accident.

A folder of data, of build results or of virtual machines that lies beside the sources is copied
with them, hashed at every build, stored and pushed. `.dockerignore` leaves it out.

Bad:

    FROM python:3.12
    COPY . /srv

Good:

    FROM python:3.12
    COPY src /srv/src
"""

from collections.abc import Iterator

from wherry.lint.document import Document
from wherry.lint.finding import Level
from wherry.lint.options import Options
from wherry.lint.rule import Hit, Rule

LARGE = 10**9


def check(document: Document, options: Options) -> Iterator[Hit]:
    taken = options.surroundings_of(document.source.name).taken
    for step in document.steps:
        files = taken.get(step.number)
        if files is not None and files.size >= LARGE:
            yield Hit(
                step,
                f"{_gigabytes(files.size)} are copied into the image, most of it "
                f"{files.largest} ({_gigabytes(files.largest_size)}). "
                "Leave out with .dockerignore what is not needed",
            )


def _gigabytes(size: int) -> str:
    return f"{size / 10**9:.1f} GB"


RULE = Rule("WH1003", Level.WARNING, "Gigabytes are copied into the image", check)
