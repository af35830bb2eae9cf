"""Making an image from the tar of a root filesystem."""

import time
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from wherry.engine.images.tag import parse_tag
from wherry.images.changes import apply_changes
from wherry.images.rootfs import image_of_rootfs, rootfs_document
from wherry.oci.digest import DiffID, Digest
from wherry.oci.image_config import ContainerDefaults
from wherry.oci.platform import Platform
from wherry.oci.timestamps import format_timestamp
from wherry.store.leases import lease_of

if TYPE_CHECKING:
    from wherry.engine.engine import Engine


def import_image(
    engine: "Engine",
    chunks: Iterable[bytes],
    name: str = "",
    *,
    changes: Sequence[str] = (),
    message: str = "",
    platform: Platform | None = None,
) -> Digest:
    """The ID of the image made from the tar in `chunks`, compressed or not.

    `changes` are instructions such as `CMD ["sh"]`. Raises InvalidReference, TagWithDigest,
    InvalidChange, TagLocked, InvalidArchive, DamagedStream.
    """
    names = (parse_tag(name),) if name else ()
    defaults = apply_changes(ContainerDefaults(), changes)
    created = format_timestamp(time.time_ns())

    def document(diff_id: DiffID) -> bytes:
        return rootfs_document(
            diff_id,
            defaults,
            created=created,
            comment=message or "Imported from -",
            platform=platform or Platform.host(),
        )

    with lease_of(engine.store) as lease:
        image = image_of_rootfs(lease, chunks, document, names, reason="import").image
    attributes = {"name": str(names[0])} if names else {}
    engine.events.publish("image", "import", str(image.id), {**defaults.labels, **attributes})
    return image.id
