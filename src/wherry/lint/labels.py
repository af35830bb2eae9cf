"""Values of the labels that a schema names."""

from collections.abc import Callable, Iterator

from wherry.dockerfile.instructions import Label
from wherry.lint.document import Document
from wherry.lint.options import LabelType, Options
from wherry.lint.paths import without_quotes
from wherry.lint.rule import Check, Hit


def check_values(message: str, is_right: Callable[[str], bool], *types: LabelType) -> Check:
    """A check of each label that the schema gives one of `types`."""

    def check(document: Document, options: Options) -> Iterator[Hit]:
        if not options.labels:
            return
        for step, label in document.instructions(Label):
            for pair in label.pairs:
                name = without_quotes(pair.name.text)
                value = without_quotes(pair.value.text)
                if options.labels.get(name) in types and not is_right(value):
                    yield Hit(step, message.replace("<label>", name), pair.value.span)

    return check
