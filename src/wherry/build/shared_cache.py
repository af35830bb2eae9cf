"""Steps of the cache that come from, or go to, other machines: a document and layers.

    {"version": 1, "steps": [{"inputs", "diffID", "layer", "description", "kind",
                              "createdNs", "durationNs"}, ...]}

It is the configuration of an OCI manifest whose `layer`th layer a step has made, or is put into
the configuration of an image, whose layers are meant then. Inputs are those of the cache itself:
the key is their hash, so that a document cannot claim a key for other inputs.
"""

import json
from collections.abc import Callable, Iterable, Mapping

from wherry.build.cache import remember
from wherry.build.inputs import StepInputs
from wherry.errors import InvalidArgument
from wherry.oci.digest import DiffID
from wherry.store.build_cache import CacheRecord
from wherry.store.layers import Layer, register_layer
from wherry.store.leases import Lease
from wherry.values import dataclass

MEDIA_TYPE = "application/vnd.wherry.buildcache.v1+json"
INLINE = "wherry.buildcache.v1"
"""The name of the document within an image's configuration."""

_VERSION = 1
_MOST_FILES = 2000  # whose hashes go along, for `--explain`; the key does not need them
_LARGEST = 64 << 20  # bytes
_LONGEST = 1000  # characters of a description
_MOST = 1 << 62
_KINDS = ("regular", "source.local")


class InvalidCache(InvalidArgument):
    def __init__(self, problem: str) -> None:
        super().__init__(f"invalid build cache: {problem}")


@dataclass(frozen=True, kw_only=True, slots=True)
class SharedStep:
    """A step that was carried out somewhere. `layer` is the number of its layer's blob."""

    inputs: StepInputs
    diff_id: DiffID
    layer: int
    description: str
    kind: str
    created_ns: int
    duration_ns: int


@dataclass(frozen=True, kw_only=True, slots=True)
class ImportedStep:
    """A step whose layer is fetched when it is wanted; `read` gives its tar, packed or not."""

    step: SharedStep
    read: Callable[[Lease], Iterable[bytes]]


def take_imported(lease: Lease, imported: ImportedStep, parent: Layer | None) -> CacheRecord:
    """Put the step's layer on `parent`, and remember it as if it had been made here."""
    step = imported.step
    layer = register_layer(lease, imported.read(lease), parent, diff_id=step.diff_id)
    return remember(
        lease,
        step.inputs,
        layer,
        description=step.description,
        kind=step.kind,
        duration_ns=step.duration_ns,
        created_ns=step.created_ns,
    )


def shared_step(record: CacheRecord, inputs: StepInputs, layer: int) -> SharedStep:
    files = inputs.files if len(inputs.files) <= _MOST_FILES else {}
    return SharedStep(
        inputs=StepInputs(inputs.facts, files, inputs.on_base),
        diff_id=record.diff_id,
        layer=layer,
        description=record.description,
        kind=record.kind,
        created_ns=record.created_ns,
        duration_ns=record.duration_ns,
    )


def document_of(steps: Iterable[SharedStep]) -> dict[str, object]:
    return {
        "version": _VERSION,
        "steps": [
            {
                "inputs": dict(step.inputs.to_document()),
                "diffID": str(step.diff_id),
                "layer": step.layer,
                "description": step.description,
                "kind": step.kind,
                "createdNs": step.created_ns,
                "durationNs": step.duration_ns,
            }
            for step in steps
        ],
    }


def document_bytes(document: Mapping[str, object]) -> bytes:
    # Escaped: names of files need not be UTF-8.
    return json.dumps(document, separators=(",", ":")).encode()


def steps_in(document: object) -> list[SharedStep]:
    """The steps of a document, which may be the bytes of one; InvalidCache."""
    if isinstance(document, bytes):
        if len(document) > _LARGEST:
            raise InvalidCache(f"it is larger than {_LARGEST} bytes")
        try:
            document = json.loads(document)
        except (ValueError, RecursionError):
            raise InvalidCache("it is no JSON") from None
    if not isinstance(document, dict) or document.get("version") != _VERSION:
        raise InvalidCache(f"it is not of version {_VERSION}")
    listed = document.get("steps")
    if not isinstance(listed, list):
        raise InvalidCache("it has no steps")
    return [_step(each, number) for number, each in enumerate(listed)]


def _step(document: object, number: int) -> SharedStep:
    fields = document if isinstance(document, dict) else {}
    inputs, kind, description = (fields.get(name) for name in ("inputs", "kind", "description"))
    if not isinstance(inputs, dict) or not isinstance(description, str) or kind not in _KINDS:
        raise InvalidCache(f"steps[{number}] is incomplete")
    return SharedStep(
        inputs=StepInputs.from_document(inputs),
        diff_id=DiffID(str(fields.get("diffID"))),
        layer=_count(fields, "layer", number),
        description="".join(each for each in description[:_LONGEST] if each.isprintable()),
        kind=str(kind),
        created_ns=_count(fields, "createdNs", number),
        duration_ns=_count(fields, "durationNs", number),
    )


def _count(fields: Mapping[str, object], name: str, number: int) -> int:
    value = fields.get(name)
    if not isinstance(value, int) or not 0 <= value < _MOST:
        raise InvalidCache(f"steps[{number}].{name} is no count")
    return value
