"""Which entries of the build cache pass the filters of `builder du` and `builder prune`."""

from pathlib import Path

import pytest

from wherry.engine.builds.cache_filters import InvalidExpression, entry_filter
from wherry.engine.builds.usage import CacheEntry
from wherry.engine.filters import InvalidFilter


def entry(id_: str, **facts: object) -> CacheEntry:
    values = {"kind": "regular", "description": id_, "size": 1, "created_ns": 0, "used_ns": 0}
    return CacheEntry(id=id_, **{**values, "uses": 0, **facts})  # type: ignore[arg-type]


ENTRIES = (
    entry("copy", kind="source.local", description="[2/3] COPY a /", shared=True),
    entry("run", description="[3/3] RUN make", parents=("copy",), used_ns=10**18),
    entry("mount", kind="exec.cachemount", folder=Path("/x")),
)


@pytest.mark.parametrize(
    ("filters", "passing"),
    [
        ({}, "copy run mount"),
        ({"id": ("co", "mo")}, "copy mount"),
        ({"id!": ("co",)}, "run mount"),
        ({"type": ("regular", "source.local")}, "copy run"),
        ({"type!": ("regular", "source.local")}, "mount"),
        ({"description~": ("RUN|COPY",)}, "copy run"),
        ({"description~": (r"^\[2",), "type": ("regular",)}, ""),
        ({"parents": ("copy",)}, "run"),
        ({"mutable": ("true",)}, "mount"),
        ({"immutable": ("true",), "private": ("true",)}, "run"),
        ({"shared": ("false",)}, "run mount"),
        ({"inuse": ("true",)}, ""),
        ({"inuse": ("false",)}, "copy run mount"),
        ({"until": ("2000-01-01",)}, "copy mount"),
    ],
)
def test_entries_pass(filters: dict[str, tuple[str, ...]], passing: str) -> None:
    passes = entry_filter(filters)
    assert " ".join(each.id for each in ENTRIES if passes(each)) == passing


def test_what_is_no_filter_is_told() -> None:
    with pytest.raises(InvalidFilter, match="invalid filter 'size'"):
        entry_filter({"size": ("1",)})
    with pytest.raises(InvalidFilter, match="invalid filter 'shared~'"):
        entry_filter({"shared~": ("t",)})
    with pytest.raises(InvalidExpression, match="error parsing regexp"):
        entry_filter({"id~": ("(",)})
