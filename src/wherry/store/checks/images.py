"""Images: their documents are those that were hashed, and their layers are here."""

from collections.abc import Iterator
from sqlite3 import Connection

from wherry.errors import InvalidArgument
from wherry.oci.digest import ChainID, Digest, chain_ids
from wherry.oci.image_config import ImageConfig
from wherry.oci.manifest import Manifest
from wherry.store.checks.finding import Finding, Kind, State
from wherry.store.images import StoredImage, layers_of, list_images


def check_images(connection: Connection) -> Iterator[Finding]:
    """What of the images is not what their IDs say, and the layers that they lack."""
    here = {row["chain_id"] for row in connection.execute("SELECT chain_id FROM layers")}
    missing: dict[ChainID, Digest] = {}
    for image in list_images(connection):
        problem = _problem_of(connection, image)
        if problem:
            name = str(image.id)
            yield Finding(state=State.DAMAGED, kind=Kind.IMAGE, name=name, problem=problem)
        for chain_id in layers_of(connection, image.id):
            if str(chain_id) not in here:
                missing.setdefault(chain_id, image.id)
    for chain_id, image_id in missing.items():
        problem = f"is not here; image {image_id.short} needs it"
        name = str(chain_id)
        yield Finding(state=State.MISSING, kind=Kind.LAYER, name=name, problem=problem)


def _problem_of(connection: Connection, image: StoredImage) -> str:
    if Digest.of_bytes(image.document) != image.id:
        return "its configuration has another digest"
    try:
        config = ImageConfig.from_bytes(image.document)
        if layers_of(connection, image.id) != chain_ids(config.rootfs.diff_ids):
            return "its layers are not those of its configuration"
        if image.manifest is not None:
            manifest = Manifest.from_bytes(image.manifest)
            if manifest.config.digest != image.id:
                return "its manifest is that of another image"
    except InvalidArgument as error:
        return f"its documents cannot be read: {error.message}"
    return ""
