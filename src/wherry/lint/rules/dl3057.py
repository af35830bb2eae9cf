"""An image of a service should say how to tell whether it works.

Off unless it is given a level, since most images are not of services.

Bad:

    FROM debian:12
    CMD ["server"]

Good:

    FROM debian:12
    HEALTHCHECK CMD ["server", "--ping"]
    CMD ["server"]
"""

from collections.abc import Iterator

from wherry.dockerfile.instructions import From, Healthcheck
from wherry.lint.document import Document
from wherry.lint.finding import Level
from wherry.lint.options import Options
from wherry.lint.rule import Hit, Rule


def check(document: Document, options: Options) -> Iterator[Hit]:
    del options
    healthy: set[int] = set()
    for step in document.of(From, Healthcheck):
        if step.is_trigger or step.stage < 0:
            continue
        # A base may leave it to what is built on it, and what comes later inherits that verdict.
        if isinstance(step.instruction, Healthcheck):
            healthy.update(document.ancestry(step.stage))
        elif document.bases[step.stage] in healthy:
            healthy.add(step.stage)
    for stage, (step, _) in enumerate(document.froms):
        if stage not in healthy:
            yield Hit(step)


RULE = Rule("DL3057", Level.IGNORE, "`HEALTHCHECK` instruction missing.", check)
