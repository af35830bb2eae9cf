"""`-v .:/app:map`: the owner of a folder is, inside, whoever the container runs as.

    on disk   0    1 .. 999   1000   1001 ..        1000 owns the folder, the container runs as 0
    inside    -    1 .. 999      0   1001 ..

All others stay who they are, but for the two in question: nobody in the container may be taken for
the one that its user stands for, and what belongs to that ID on disk is nobody's inside.
"""

from collections.abc import Iterator

from wherry.oci.runtime_spec import IDMapping

_LAST = 0xFFFFFFFE  # the ID after it means none


def owner_map(owner: int, seen: int) -> tuple[IDMapping, ...]:
    """The mappings that show the ID `owner` as `seen`; none when they are the same."""
    if owner == seen:
        return ()
    moved = IDMapping(container_id=owner, host_id=seen, size=1)
    return (moved, *_others(*sorted((owner, seen))))


def _others(lower: int, higher: int) -> Iterator[IDMapping]:
    for first, last in ((0, lower - 1), (lower + 1, higher - 1), (higher + 1, _LAST)):
        if first <= last:
            yield IDMapping(container_id=first, host_id=first, size=last - first + 1)
