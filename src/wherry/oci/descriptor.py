"""Descriptors: what a document says about a blob it points to.

https://github.com/opencontainers/image-spec/blob/main/descriptor.md
"""

from wherry.oci.digest import Digest
from wherry.oci.platform import Platform
from wherry.values import dataclass, field


@dataclass(frozen=True, kw_only=True, slots=True)
class Descriptor:
    """The type, digest and size of a blob, and for entries of an index its platform."""

    media_type: str
    digest: Digest
    size: int
    urls: tuple[str, ...] = ()
    annotations: dict[str, str] = field(default_factory=dict)
    platform: Platform | None = None
    artifact_type: str = ""
    extra: dict[str, object] = field(default_factory=dict)
