"""Image indexes: the manifests of one image for several platforms.

https://github.com/opencontainers/image-spec/blob/main/image-index.md; Docker's manifest list
differs only in its media type.
"""

from wherry.oci.codec import from_json, to_json
from wherry.oci.descriptor import Descriptor
from wherry.oci.documents import dump_document, load_document, require_schema_version
from wherry.oci.media_type import OCI_INDEX
from wherry.values import dataclass, field

# Annotations of an OCI layout's index that carry the name of an image.
REFERENCE_NAME = "org.opencontainers.image.ref.name"
CONTAINERD_NAME = "io.containerd.image.name"


@dataclass(frozen=True, kw_only=True, slots=True)
class Index:
    schema_version: int
    manifests: tuple[Descriptor, ...]
    media_type: str = ""
    annotations: dict[str, str] = field(default_factory=dict)
    extra: dict[str, object] = field(default_factory=dict)

    @classmethod
    def from_bytes(cls, data: bytes) -> "Index":
        """The index in `data`, or InvalidDocument naming every path that is wrong."""
        index = from_json(cls, load_document(data, "Index"))
        require_schema_version(index.schema_version, "Index")
        return index

    def to_bytes(self) -> bytes:
        return dump_document(to_json(self))


def oci_index(manifests: tuple[Descriptor, ...]) -> Index:
    """An index of the OCI's own type."""
    return Index(schema_version=2, media_type=OCI_INDEX, manifests=manifests)
