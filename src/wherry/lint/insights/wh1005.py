"""Other linters should be able to read the file too.

hadolint does not know all that the builder takes; where its parser stops it reports DL1000 and
nothing else. A team that has it in one pipeline and `wherry lint` in another learns here, before
the other pipeline fails, which line that will be. Off unless it is given a level. With
`--strict-hadolint`, or `strict-hadolint: true` in the configuration, the file has DL1000 instead.

What hadolint cannot read: a line right behind the end of a heredoc that is neither blank nor
indented; several heredocs; one that ADD takes, or whose end is indented; mounts without a target,
or with options that have variables or are not its own; ports with an address, a default
(`${PORT:-80}`) or `/sctp`; something behind a JSON array; CMD or ENTRYPOINT without words; a line
of blanks inside an instruction; a line that ends in two escape characters; a duration such as
`1m30s`; a value whose quotes begin on the next line; a quoted name without a value.

Bad:

    FROM debian:12
    RUN <<EOF
    make
    EOF
    USER app

Good:

    FROM debian:12
    RUN <<EOF
    make
    EOF

    USER app
"""

from collections.abc import Iterator

from wherry.lint.document import Document
from wherry.lint.finding import Level
from wherry.lint.options import Options
from wherry.lint.refusals import refusals
from wherry.lint.rule import Hit, Rule


def check(document: Document, options: Options) -> Iterator[Hit]:
    del options
    for refusal in refusals(document):
        yield Hit(None, f"hadolint cannot read {refusal.reason}", refusal.span)


RULE = Rule("WH1005", Level.IGNORE, "hadolint cannot read the file", check)
