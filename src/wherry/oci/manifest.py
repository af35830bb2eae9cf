"""Image manifests: one configuration and its layers, lowest first.

https://github.com/opencontainers/image-spec/blob/main/manifest.md; Docker's differ only in
their media types.
"""

from collections.abc import Mapping

from wherry.oci.codec import from_json, to_json
from wherry.oci.descriptor import Descriptor
from wherry.oci.documents import dump_document, load_document, require_schema_version
from wherry.oci.media_type import OCI_MANIFEST
from wherry.values import dataclass, field


@dataclass(frozen=True, kw_only=True, slots=True)
class Manifest:
    schema_version: int
    config: Descriptor
    layers: tuple[Descriptor, ...]
    media_type: str = ""
    annotations: dict[str, str] = field(default_factory=dict)
    extra: dict[str, object] = field(default_factory=dict)

    @classmethod
    def from_bytes(cls, data: bytes) -> "Manifest":
        """The manifest in `data`, or InvalidDocument naming every path that is wrong."""
        manifest = from_json(cls, load_document(data, "Manifest"))
        require_schema_version(manifest.schema_version, "Manifest")
        return manifest

    def to_bytes(self) -> bytes:
        return dump_document(to_json(self))


def oci_manifest(
    config: Descriptor, layers: tuple[Descriptor, ...], annotations: Mapping[str, str] | None = None
) -> Manifest:
    """A manifest of the OCI's own types."""
    return Manifest(
        schema_version=2,
        media_type=OCI_MANIFEST,
        config=config,
        layers=layers,
        annotations=dict(annotations or {}),
    )
