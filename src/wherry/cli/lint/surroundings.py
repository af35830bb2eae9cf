"""What the engine knows of files that are linted, where there is an engine that built them."""

import os

from wherry.cli.context import Context
from wherry.errors import WherryError
from wherry.store.places import root_path

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from wherry.lint.document import Document
    from wherry.lint.surroundings import Surroundings

STDIN = "-"


def known_of(
    documents: "Sequence[Document]", context: Context, *, wants_bases: bool
) -> "dict[str, Surroundings]":
    """By the names of files. With `wants_bases` also of files that were never built here."""
    root = root_path(context.root)
    if not os.access(f"{root}/wherry.db", os.R_OK | os.W_OK):
        return {}
    names = [document.source.name for document in documents if not document.problems]
    names = [name for name in names if name != STDIN]
    known = set(names) if wants_bases else _built(root, names)
    if not known:
        return {}
    from wherry.engine.builds.surroundings import surroundings_of  # the builder, for the few

    found: dict[str, Surroundings] = {}
    for document in documents:
        if document.source.name in known and not document.problems:
            try:
                found[document.source.name] = surroundings_of(context.engine, document)
            except (WherryError, OSError) as error:
                text = error.message if isinstance(error, WherryError) else str(error)
                context.warn(f"{document.source.name}: the engine's records cannot be used: {text}")
    return found


def _built(root: str, names: list[str]) -> set[str]:
    from wherry.store.built import was_built  # SQLite, for those who have a store

    return {name for name in names if name != STDIN and was_built(root, name)}
