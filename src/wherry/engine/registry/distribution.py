"""What a registry has under a name: its descriptor, and for which platforms."""

from wherry.engine.images.remote import CONFIG_LIMIT, first_that_has
from wherry.engine.images.sessions import registry_session
from wherry.oci.descriptor import Descriptor
from wherry.oci.image_config import ImageConfig
from wherry.oci.index import Index
from wherry.oci.manifest import Manifest
from wherry.oci.media_type import CONFIGS
from wherry.oci.platform import Platform
from wherry.oci.reference import Reference
from wherry.registry.credentials import Credential
from wherry.registry.download import read_small_blob
from wherry.values import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Distributed:
    """An image, or several, in a registry."""

    descriptor: Descriptor
    platforms: tuple[Platform, ...]


def distribution_of(name: str, credential: Credential | None = None) -> Distributed:
    """What the name leads to; `credential` stands in for the user's own.

    Raises what `wherry.registry` raises.
    """
    reference = Reference.parse(name).with_default_tag()
    with registry_session(credential=credential) as session:
        document, repositories = first_that_has(session, reference)
        if document.is_index:
            entries = Index.from_bytes(document.data).manifests
            platforms = [entry.platform for entry in entries if entry.platform is not None]
        else:
            manifest = Manifest.from_bytes(document.data)
            platforms = []
            if manifest.config.media_type in CONFIGS:
                data = read_small_blob(repositories, manifest.config, CONFIG_LIMIT)
                platforms = [ImageConfig.from_bytes(data).platform]
    return Distributed(descriptor=document.descriptor, platforms=tuple(platforms))
