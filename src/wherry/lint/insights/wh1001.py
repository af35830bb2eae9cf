"""Files that change often should be copied behind the step that takes long.

A step is carried out again when one in front of it was. The engine remembers what earlier builds
copied: if that was another thing most times, the costly step behind it ran most times too, though
it may need few of the files.

Bad:

    FROM node:22
    WORKDIR /srv
    COPY . .
    RUN npm ci

Good:

    FROM node:22
    WORKDIR /srv
    COPY package.json package-lock.json ./
    RUN npm ci
    COPY . .
"""

from collections.abc import Iterator

from wherry.lint.document import Document
from wherry.lint.finding import Level
from wherry.lint.options import Options
from wherry.lint.rule import Hit, Rule


def check(document: Document, options: Options) -> Iterator[Hit]:
    churns = options.surroundings_of(document.source.name).churns
    for step in document.steps:
        if churn := churns.get(step.number):
            yield Hit(
                step,
                f"What is copied here was different in {churn.versions} of the builds kept, and "
                f"each time `{churn.costly}` ran again behind it ({churn.seconds:.0f} s). "
                "Copy first what that needs, and the rest behind it",
            )


RULE = Rule(
    "WH1001",
    Level.INFO,
    "Copy files that change often behind the step that takes long",
    check,
)
