"""`--cache-from` and `--cache-to`, read.

NAME                              the cache, or an image, in a registry
type=registry,ref=NAME            the same
type=local,src=DIR[,tag=][,digest=]      an image layout; written with dest=DIR
type=inline                       only written: within the image's configuration

Written caches have `mode=min`, the steps of the image, or `mode=max`, those of all stages.
"""

from collections.abc import Iterable
from enum import StrEnum

from wherry.dockerfile.mounts import split_fields
from wherry.errors import InvalidArgument, Unsupported
from wherry.oci.digest import Digest
from wherry.oci.reference import Reference
from wherry.values import dataclass

_TRUTHS = {"true": True, "1": True, "false": False, "0": False}
_ALWAYS = {"oci-mediatypes": True, "image-manifest": True, "force-compression": False}
"""How it is whatever is asked for; the opposite is refused."""


class CachePlace(StrEnum):
    REGISTRY = "registry"
    LOCAL = "local"
    INLINE = "inline"


@dataclass(frozen=True, kw_only=True, slots=True)
class CacheSource:
    """One --cache-from. `reference` is of a registry, `folder` a layout's."""

    place: CachePlace
    reference: Reference | None = None
    folder: str = ""
    tag: str = "latest"
    digest: Digest | None = None

    @property
    def shown(self) -> str:
        return self.reference.full if self.reference is not None else self.folder


@dataclass(frozen=True, kw_only=True, slots=True)
class CacheTarget:
    """One --cache-to."""

    place: CachePlace
    reference: Reference | None = None
    folder: str = ""
    tag: str = "latest"
    everything: bool = False
    may_fail: bool = False


def cache_sources(texts: Iterable[str]) -> list[CacheSource]:
    """What --cache-from names."""
    return [_source(text) for text in texts]


def cache_targets(texts: Iterable[str]) -> list[CacheTarget]:
    """What --cache-to names."""
    return [_target(text) for text in texts]


def _source(text: str) -> CacheSource:
    fields = _fields(text)
    place = _place(fields, "importer")
    if place is CachePlace.INLINE:
        raise Unsupported(
            "unknown cache importer: inline", hint="name the image: --cache-from NAME"
        )
    if place is CachePlace.REGISTRY:
        source = CacheSource(place=place, reference=_reference(fields))
    else:
        digest = fields.pop("digest", "")
        source = CacheSource(
            place=place,
            folder=_needed(fields, "src", "local cache importer"),
            tag=fields.pop("tag", "latest"),
            digest=Digest(digest) if digest else None,
        )
    _refuse_rest(fields)
    return source


def _target(text: str) -> CacheTarget:
    fields = _fields(text)
    place = _place(fields, "exporter")
    mode = fields.pop("mode", "min")
    if mode not in ("min", "max"):
        raise InvalidArgument(f'invalid cache mode "{mode}": min or max')
    may_fail = _truth("ignore-error", fields.pop("ignore-error", "false"))
    if place is CachePlace.INLINE:
        if mode == "max":
            raise Unsupported("an inline cache has the steps of the image only: mode=min")
        target = CacheTarget(place=place, may_fail=may_fail)
    elif place is CachePlace.REGISTRY:
        target = CacheTarget(
            place=place, reference=_reference(fields), everything=mode == "max", may_fail=may_fail
        )
    else:
        target = CacheTarget(
            place=place,
            folder=_needed(fields, "dest", "local cache exporter"),
            tag=fields.pop("tag", "latest"),
            everything=mode == "max",
            may_fail=may_fail,
        )
    if fields.pop("compression", "gzip") != "gzip":
        raise Unsupported("layers of a cache are packed with gzip only")
    for name, given in _ALWAYS.items():
        if name in fields and _truth(name, fields.pop(name)) is not given:
            raise Unsupported(f"{name} is always {str(given).lower()} here")
    _refuse_rest(fields)
    return target


def _fields(text: str) -> dict[str, str]:
    if "=" not in text:
        return {"type": CachePlace.REGISTRY, "ref": text}
    fields: dict[str, str] = {}
    for part in split_fields(text, "cache"):
        key, equals, value = part.partition("=")
        if not equals:
            raise InvalidArgument(f"invalid value {part}")
        fields[key.strip().lower()] = value
    if "type" not in fields:
        raise InvalidArgument(f'type required for cache "{text}"')
    return fields


def _place(fields: dict[str, str], what: str) -> CachePlace:
    kind = fields.pop("type")
    try:
        return CachePlace(kind)
    except ValueError:
        raise Unsupported(
            f'unknown cache {what}: "{kind}": one of {", ".join(CachePlace)}'
        ) from None


def _reference(fields: dict[str, str]) -> Reference:
    return Reference.parse(_needed(fields, "ref", "registry cache")).with_default_tag()


def _needed(fields: dict[str, str], name: str, what: str) -> str:
    value = fields.pop(name, "")
    if not value:
        raise InvalidArgument(f"{what} requires {name}")
    return value


def _truth(name: str, text: str) -> bool:
    truth = _TRUTHS.get(text.lower())
    if truth is None:
        raise InvalidArgument(f"non-bool value {text} specified for {name}")
    return truth


def _refuse_rest(fields: dict[str, str]) -> None:
    if fields:
        raise Unsupported(f'cache key "{min(fields)}" is not supported')
