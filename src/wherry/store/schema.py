"""The tables of the metadata database, gathered from the modules that keep rows in them."""

from collections.abc import Iterator
from importlib import import_module

VERSION = 4  # one more with each change of a table

_KEEPERS = (
    *("images", "layers", "layer_blobs", "containers", "volumes", "networks", "events"),
    *("build_cache", "build_history"),
)


def statements() -> Iterator[str]:
    """Every statement that makes the tables, in an order that satisfies references."""
    for keeper in _KEEPERS:
        # Only a new database needs them, so the command that finds it made loads none.
        text: str = import_module(f"wherry.store.{keeper}").SCHEMA
        yield from (part for part in text.split(";") if part.strip())
