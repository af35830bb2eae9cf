"""What the engine knows of a Dockerfile that it has built, for the linter.

The records of the cache say what a COPY took at each build and how long what follows took; the
context says what it would take now; the log of tags says which bases have moved.
"""

import os
import stat
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from typing import TYPE_CHECKING

from wherry.build.build_stage import LAYERED
from wherry.build.contexts import open_context
from wherry.build.source_trees import Found, SourceTree
from wherry.build.stage import place_number
from wherry.dockerfile.ignorefile import parse_ignore_file
from wherry.dockerfile.instructions import Add, Copy, Run
from wherry.engine.builds.secrets import looks_secret
from wherry.errors import WherryError
from wherry.lint.document import Document, Step
from wherry.lint.surroundings import Churn, Moved, Surroundings, Taken
from wherry.oci.platform import Platform
from wherry.oci.reference import InvalidReference, Reference
from wherry.store.build_cache import (
    CacheRecord,
    inputs_of,
    places_of,
    records_alike,
    records_of_place,
)
from wherry.store.images import image_named, moves_of_tag
from wherry.store.leases import lease_of

if TYPE_CHECKING:
    from wherry.engine.engine import Engine

_OFTEN = 3  # versions of what a COPY takes
_COSTLY_NS = 5 * 10**9


def surroundings_of(engine: "Engine", document: Document, *, platform: str = "") -> Surroundings:
    """What is known of the Dockerfile that `document` was read from; of its last build, if any.

    `platform` is the one that is built for, this machine's if none is said.
    """
    places = places_of(engine.store.database.connection, document.source.name)
    if not places:
        return bases_of(engine, document, platform=platform)
    records = records_of_place(engine.store.database.connection, places[0])
    known = _by_step(document, records)
    folder = places[0].partition("\0")[0]
    return Surroundings(
        churns=_churns(engine, document, known),
        taken=_taken(engine, document, folder) if os.path.isdir(folder) else {},
        moved=_moved(engine, document, max(record.used_ns for record in records.values())),
        platforms=_platforms(engine, document),
        platform=platform,
    )


def bases_of(engine: "Engine", document: Document, *, platform: str = "") -> Surroundings:
    """What is known of the base images alone, which takes no look at the context."""
    return Surroundings(platforms=_platforms(engine, document), platform=platform)


def _by_step(document: Document, records: Mapping[int, CacheRecord]) -> dict[int, CacheRecord]:
    """What each step was at the last build, as far as it still is the same instruction."""
    found: dict[int, CacheRecord] = {}
    numbers: dict[int, int] = {}
    for step in document.steps:
        if step.is_trigger or not isinstance(step.instruction, LAYERED):
            continue
        number = numbers[step.stage] = numbers.get(step.stage, 1) + 1
        record = records.get(place_number(step.stage, number)) if step.stage >= 0 else None
        if record is not None and record.text == step.instruction.statement.original:
            found[step.number] = record
    return found


# ---- what was copied, and what followed


def _churns(
    engine: "Engine", document: Document, known: Mapping[int, CacheRecord]
) -> dict[int, Churn]:
    """The first COPY of a stage that changes often and has something costly behind it."""
    found: dict[int, Churn] = {}
    stages: set[int] = set()
    for step, _ in _copies(document):
        record = known.get(step.number)
        if record is None or step.stage in stages:
            continue
        versions = _versions(engine, record)
        costly = max(
            (
                known[later.number]
                for later in document.steps[step.number + 1 :]
                if later.stage == step.stage
                and isinstance(later.instruction, Run)
                and later.number in known
            ),
            key=lambda later: later.duration_ns,
            default=None,
        )
        if versions >= _OFTEN and costly is not None and costly.duration_ns >= _COSTLY_NS:
            stages.add(step.stage)
            found[step.number] = Churn(
                versions=versions, costly=_short(costly.text), seconds=costly.duration_ns / 1e9
            )
    return found


def _versions(engine: "Engine", record: CacheRecord) -> int:
    """How many different things this COPY has taken; those of another project do not count."""
    connection = engine.store.database.connection
    mine = _paths(inputs_of(connection, record.key))
    count = 0
    for alike in records_alike(connection, record):
        theirs = _paths(inputs_of(connection, alike.key))
        count += len(mine & theirs) * 2 >= len(mine | theirs)
    return count


def _paths(inputs: Mapping[str, object] | None) -> set[str]:
    files = inputs.get("files") if inputs else None
    return set(files) if isinstance(files, dict) else set()


def _short(text: str) -> str:
    words = " ".join(text.split())
    return words if len(words) <= 60 else f"{words[:57]}..."


# ---- what would be copied now


def _copies(document: Document) -> Iterator[tuple[Step, Copy | Add]]:
    for step in document.of(Copy, Add):
        instruction = step.instruction
        if isinstance(instruction, Copy | Add) and not step.is_trigger:
            if isinstance(instruction, Copy) and instruction.from_ is not None:
                continue
            yield step, instruction


def _taken(engine: "Engine", document: Document, folder: str) -> dict[int, Taken]:
    found: dict[int, Taken] = {}
    with ExitStack() as undo:
        lease = undo.enter_context(lease_of(engine.store))
        tree = open_context(lease, folder, document.source.name, undo).tree
        for step, transfer in _copies(document):
            files = {
                each.path: each
                for source in transfer.sources
                for each in _selected(tree, transfer, source.text)
                if stat.S_ISREG(each.status.st_mode)
            }
            if files:
                found[step.number] = _summary(tree, files)
    return found


def _selected(tree: SourceTree, transfer: Copy | Add, pattern: str) -> Iterator[Found]:
    if "$" in pattern or "://" in pattern or pattern.startswith("git@"):
        return
    exclude = None
    if transfer.exclude:
        lines = "\n".join(word.text for word in transfer.exclude)
        exclude = parse_ignore_file(lines.encode(), "--exclude")
    try:
        matches = tree.select(pattern, exclude=exclude)
    except WherryError:  # not there: the build tells
        return
    for match in matches:
        yield from match


def _summary(tree: SourceTree, files: Mapping[str, Found]) -> Taken:
    sizes: dict[str, int] = {}
    for path, each in files.items():
        top, slash, _ = path.partition("/")
        sizes[top + slash] = sizes.get(top + slash, 0) + each.status.st_size
    largest = max(sizes, key=lambda name: sizes[name])
    return Taken(
        size=sum(sizes.values()),
        largest=largest,
        largest_size=sizes[largest],
        secrets=tuple(path for path in sorted(files) if looks_secret(tree.root, path)),
    )


# ---- bases


def _moved(engine: "Engine", document: Document, last_build_ns: int) -> dict[int, Moved]:
    found: dict[int, Moved] = {}
    for number, reference in _bases(document):
        if reference.digest is not None:
            continue
        moves = moves_of_tag(engine.store.database.connection, reference)
        then = [move.image_id for move in moves if move.time_ns <= last_build_ns]
        before, now = then[-1] if then else None, moves[-1].image_id if moves else None
        if before is not None and now is not None and now != before:
            found[number] = Moved(before=before.short, now=now.short)
    return found


def _platforms(engine: "Engine", document: Document) -> dict[int, str]:
    found: dict[int, str] = {}
    for number, reference in _bases(document):
        image = image_named(engine.store.database.connection, reference)
        if image is not None:
            config = image.config
            platform = Platform(
                os=config.os, architecture=config.architecture, variant=config.variant
            )
            found[number] = str(platform.normalised)
    return found


def _bases(document: Document) -> Iterator[tuple[int, Reference]]:
    """The images that stages begin with, as far as the text says which."""
    for index, (step, base) in enumerate(document.froms):
        text = base.image.text
        if document.bases[index] is None and text != "scratch" and "$" not in text:
            try:
                yield step.number, Reference.parse(text).with_default_tag()
            except InvalidReference:
                continue
