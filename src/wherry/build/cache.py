"""Decisions of the cache: each a value with its reason."""

import time

from wherry.build.difference import changed_files, difference
from wherry.build.inputs import StepInputs
from wherry.oci.digest import Digest
from wherry.store.build_cache import (
    CacheRecord,
    find_record,
    inputs_of,
    insert_record,
)
from wherry.store.layers import Layer, claim_layer
from wherry.store.leases import Lease
from wherry.values import dataclass


@dataclass(frozen=True, slots=True)
class Hit:
    """The step was made before: `record` has its layer."""

    record: CacheRecord


@dataclass(frozen=True, slots=True)
class Miss:
    """The step has to be carried out. `last` is what it was at the last build from here."""

    reason: str
    last: CacheRecord | None = None
    changed: tuple[str, ...] = ()
    """The files that differ from then."""


Decision = Hit | Miss

NEVER_BUILT = "never built before"
SWITCHED_OFF = "--no-cache"


def find_hit(lease: Lease, inputs: StepInputs) -> CacheRecord | None:
    """The record of these inputs, whose layer then stays as long as the lease."""
    record = find_record(lease.store.database.connection, inputs.key)
    # Claimed before it is relied on: a prune may be at it.
    if record is None or claim_layer(lease, record.chain_id) is None:
        return None
    return record


def explained(lease: Lease, inputs: StepInputs, last: CacheRecord | None) -> Miss:
    """Why there is no record of these inputs, the step having been `last` before."""
    connection = lease.store.database.connection
    before = None if last is None else inputs_of(connection, last.key)
    if last is None or before is None:
        return Miss(NEVER_BUILT)
    past = StepInputs.from_document(before)
    reason = difference(past, inputs)
    return Miss(reason or "its layer is gone", last, changed_files(past, inputs))


def remember(
    lease: Lease,
    inputs: StepInputs,
    layer: Layer,
    *,
    description: str,
    kind: str,
    duration_ns: int,
    created_ns: int,
) -> CacheRecord:
    """Keep what a step has made for the next build."""
    record = CacheRecord(
        key=inputs.key,
        chain_id=layer.chain_id,
        diff_id=layer.diff_id,
        parent=layer.parent,
        description=description,
        kind=kind,
        size=layer.size,
        duration_ns=duration_ns,
        created_ns=created_ns,
        used_ns=time.time_ns(),
        uses=0,
    )
    with lease.store.database.write() as connection:
        insert_record(connection, record, inputs.to_document())
    return record


def lock_name(key: Digest) -> str:
    """The name under tmp that whoever makes the step of this key holds a lock on."""
    return f".build-{key.hex}"
