"""The manifest that an image came with, as the lists of API 1.47 and later show it."""

from typing import TYPE_CHECKING

from wherry.oci.codec import to_json
from wherry.oci.digest import Digest
from wherry.oci.manifest import Manifest
from wherry.oci.media_type import OCI_MANIFEST
from wherry.store.blobs import has_blob
from wherry.store.containers import list_containers
from wherry.store.images import StoredImage

if TYPE_CHECKING:
    from wherry.engine.engine import Engine

Document = dict[str, object]


def manifest_summaries(engine: "Engine", image: StoredImage) -> list[Document]:
    """One, or none of an image that was built or loaded here: a manifest is made when it is pushed.

    Sizes are of the compressed layers that are still here, and of the files of all layers.
    """
    if image.manifest is None:
        return []
    manifest = Manifest.from_bytes(image.manifest)
    content = len(image.manifest) + len(image.document)
    content += sum(layer.size for layer in manifest.layers if has_blob(engine.store, layer.digest))
    digest = str(Digest.of_bytes(image.manifest))
    users = [
        container.id
        for container in list_containers(engine.store)
        if container.image_id == str(image.id)
    ]
    return [
        {
            "ID": digest,
            "Descriptor": {
                "mediaType": manifest.media_type or OCI_MANIFEST,
                "digest": digest,
                "size": len(image.manifest),
            },
            "Available": True,
            "Size": {"Content": content, "Total": content + image.size},
            "Kind": "image",
            "ImageData": {
                "Platform": to_json(image.config.platform),
                "Containers": users,
                "Size": {"Unpacked": image.size},
            },
        }
    ]
