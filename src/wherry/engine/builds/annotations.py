"""`--annotation` and `--attest`: what a manifest says of an image besides its configuration.

KEY=VALUE                        on the manifest
manifest-descriptor:KEY=VALUE    on what leads to it: the entry in an image layout's index
index:KEY=VALUE                  on an index of several platforms
index-descriptor:KEY=VALUE       on what leads to that, in an image layout's index
manifest[linux/amd64]:KEY=VALUE  for that platform; several kinds are separated by commas

An image in the store has no manifest: that is made when it is pushed, or written to an archive.
"""

import re
from collections.abc import Iterable

from wherry.dockerfile.mounts import split_fields
from wherry.errors import InvalidArgument, Unsupported
from wherry.oci.platform import Platform
from wherry.values import dataclass, field

_KIND = re.compile(r"([a-z-]+)(?:\[([A-Za-z0-9_/-]+)\])?")
_OF_MANIFESTS, _OF_DESCRIPTORS = "manifest", "manifest-descriptor"
_OF_INDEXES = ("index", "index-descriptor")
_FALSE = ("0", "f", "F", "FALSE", "false", "False")


class IndexAnnotation(Unsupported):
    def __init__(self) -> None:
        super().__init__("index annotations not supported for single platform export")


class NothingToAnnotate(InvalidArgument):
    def __init__(self) -> None:
        super().__init__(
            "annotations are kept in manifests, and an image in the store has none",
            hint="give --push, or an archive: -o type=oci,dest=FILE",
        )


class NoAttestations(Unsupported):
    """As Docker says it of its classic image store."""

    def __init__(self, flag: str) -> None:
        super().__init__(
            f"Attestation is not supported: {flag}", hint="--provenance=false and --sbom=false are"
        )


@dataclass(frozen=True, slots=True)
class Annotations:
    """What is said on a manifest, and on the descriptor of it."""

    manifest: dict[str, str] = field(default_factory=dict)
    descriptor: dict[str, str] = field(default_factory=dict)
    index: dict[str, str] = field(default_factory=dict)
    index_descriptor: dict[str, str] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.manifest or self.descriptor)

    def of_kind(self, kind: str) -> dict[str, str]:
        return {
            _OF_MANIFESTS: self.manifest,
            _OF_DESCRIPTORS: self.descriptor,
            _OF_INDEXES[0]: self.index,
            _OF_INDEXES[1]: self.index_descriptor,
        }[kind]


def parse_annotations(
    texts: Iterable[str], platform: Platform, *, of_index: bool = False
) -> Annotations:
    """Those of `texts` that are for `platform`; what is wrong in buildx's words.

    Without an index, `of_index`, IndexAnnotation for those that are for one.
    """
    found = Annotations()
    for text in texts:
        front, equals, value = text.partition("=")
        if not equals:
            raise InvalidArgument(f'invalid annotation "{text}", expected key=value')
        kinds, colon, key = front.partition(":")
        if not colon:
            kinds, key = _OF_MANIFESTS, front
        for word in kinds.split(","):
            kind, asked = _kind(word)
            if asked and Platform.parse(asked) != platform:
                continue
            if kind in _OF_INDEXES and not of_index:
                raise IndexAnnotation
            found.of_kind(kind)[key] = value
    return found


def _kind(word: str) -> tuple[str, str]:
    match = _KIND.fullmatch(word)
    if match is None:
        raise InvalidArgument(
            f'invalid annotation type "{word}", expected type and optional platform in square '
            "brackets"
        )
    if match[1] not in (_OF_MANIFESTS, _OF_DESCRIPTORS, *_OF_INDEXES):
        raise InvalidArgument(f'unknown annotation type "{match[1]}"')
    return match[1], match[2] or ""


def refuse_attestations(attest: Iterable[str], provenance: str, sbom: str) -> None:
    """Refuse what asks for attestations; that none are wanted is how it is."""
    for flag, value in (("--provenance", provenance), ("--sbom", sbom)):
        if value and value not in _FALSE:
            raise NoAttestations(f"{flag}={value}")
    for text in attest:
        fields = dict(part.partition("=")[::2] for part in split_fields(text, "attest"))
        if fields.get("disabled") not in ("", "true", "1"):
            raise NoAttestations(f"--attest {text}")
