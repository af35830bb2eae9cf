"""Keys and passwords should not be copied into an image.

Whoever has the image has its files, also those that a later step removes. The engine looks at the
files of the context that COPY and ADD take: private keys, `.env`, the credentials of package
managers, clouds and registries. `.dockerignore` keeps them out; `RUN --mount=type=secret` lends
one to a step.

Bad:

    FROM node:22
    COPY . /srv

Good:

    FROM node:22
    COPY src package.json /srv/
    RUN --mount=type=secret,id=npmrc,target=/root/.npmrc npm ci
"""

from collections.abc import Iterator

from wherry.lint.document import Document
from wherry.lint.finding import Level
from wherry.lint.options import Options
from wherry.lint.rule import Hit, Rule

_SHOWN = 3


def check(document: Document, options: Options) -> Iterator[Hit]:
    taken = options.surroundings_of(document.source.name).taken
    for step in document.steps:
        secrets = taken[step.number].secrets if step.number in taken else ()
        if secrets:
            more = f" and {len(secrets) - _SHOWN} more" if len(secrets) > _SHOWN else ""
            yield Hit(
                step,
                f"Secrets are copied into the image: {', '.join(secrets[:_SHOWN])}{more}. "
                "Leave them out with .dockerignore, and lend them with RUN --mount=type=secret",
            )


RULE = Rule("WH1002", Level.ERROR, "Secrets are copied into the image", check)
