"""Labels that are required should be there.

Only those that `label-schema` names.

Bad (with `label-schema: {maintainer: text}`):

    FROM debian:12

Good:

    FROM debian:12
    LABEL maintainer="the team"
"""

from collections.abc import Iterator

from wherry.dockerfile.instructions import Copy, Label
from wherry.lint.document import Document
from wherry.lint.finding import Level
from wherry.lint.options import Options
from wherry.lint.paths import without_quotes
from wherry.lint.rule import Hit, Rule


def check(document: Document, options: Options) -> Iterator[Hit]:
    for name in options.labels:
        exempt = _labelled(document, name) | _copied_from(document)
        for stage, (step, _) in enumerate(document.froms):
            if stage not in exempt:
                yield Hit(step, f"Label `{name}` is missing.")


def _labelled(document: Document, name: str) -> set[int]:
    """Stages that have the label, by themselves, from their base, or in what is built on them."""
    own = {
        step.stage
        for step, label in document.instructions(Label)
        if not step.is_trigger
        and any(without_quotes(pair.name.text) == name for pair in label.pairs)
    }
    found = {s for s in range(len(document.froms)) if own & set(document.ancestry(s))}
    found |= {base for stage in own if stage >= 0 and (base := document.bases[stage]) is not None}
    return found


def _copied_from(document: Document) -> set[int]:
    """Stages that only lend files."""
    names = {base.alias.text: i for i, (_, base) in enumerate(document.froms) if base.alias}
    return {
        names[copy.from_.text]
        for _, copy in document.instructions(Copy)
        if copy.from_ is not None and copy.from_.text in names
    }


RULE = Rule("DL3049", Level.INFO, "Label `<label>` is missing.", check)
