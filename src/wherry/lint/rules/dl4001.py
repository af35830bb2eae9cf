"""One of wget and curl is enough.

Bad:

    FROM debian:12
    RUN wget -q https://example.com/a
    WORKDIR /srv
    RUN curl https://example.com/b

Good:

    FROM debian:12
    RUN curl https://example.com/a
    WORKDIR /srv
    RUN curl https://example.com/b
"""

from collections.abc import Iterator

from wherry.lint.document import Document
from wherry.lint.finding import Level
from wherry.lint.options import Options
from wherry.lint.rule import Hit, Rule

_TOOLS = {"wget", "curl"}


def check(document: Document, options: Options) -> Iterator[Hit]:
    """Each RUN that uses one of them in a stage where both have been by then.

    What ONBUILD defers is taken together, whatever stage it is in.
    """
    del options
    used: dict[int | None, set[str]] = {}
    for run in document.runs:
        here = {command.name for command in run.script.calls(*_TOOLS)}
        if not here:
            continue
        seen = used.setdefault(None if run.step.is_trigger else run.step.stage, set())
        seen |= here
        if seen == _TOOLS:
            yield Hit(run.step)


RULE = Rule("DL4001", Level.WARNING, "Either use Wget or Curl but not both", check)
