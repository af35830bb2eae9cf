"""Making a base image without a registry, from what the machine has."""

from typing import TYPE_CHECKING

from wherry.errors import InvalidArgument
from wherry.images.busybox import fill_root, find_busybox
from wherry.images.rootfs import image_of_rootfs, rootfs_document
from wherry.oci.digest import DiffID, Digest
from wherry.oci.image_config import ContainerDefaults
from wherry.oci.platform import Platform
from wherry.oci.reference import Reference
from wherry.oci.timestamps import format_timestamp
from wherry.store.diff import layer_tar
from wherry.store.layers import new_diff_folder
from wherry.store.leases import lease_of

if TYPE_CHECKING:
    from wherry.engine.engine import Engine

PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
KNOWN = ("busybox",)


class UnknownBase(InvalidArgument):
    def __init__(self, name: str) -> None:
        super().__init__(
            f"{name}: no way is known to make this image here",
            hint=f"what can be made: {', '.join(KNOWN)}",
        )


def bootstrap_image(engine: "Engine", name: str, tag: str = "") -> Digest:
    """Make the base image `name` and tag it `tag`, by default with its own name; its ID."""
    wanted = Reference.parse(name).with_default_tag()
    if str(wanted) != "busybox:latest":
        raise UnknownBase(name)
    reference = Reference.parse(tag).with_default_tag() if tag else wanted
    busybox = find_busybox()
    store = engine.store
    with lease_of(store) as lease:
        root = new_diff_folder(lease.new_path("-busybox"))
        created = format_timestamp(fill_root(root, busybox))

        def document(diff_id: DiffID) -> bytes:
            return rootfs_document(
                diff_id,
                ContainerDefaults(cmd=("sh",), env=(PATH,)),
                created=created,
                comment="Made by wherry bootstrap",
                platform=Platform.host(),
            )

        tar = layer_tar(root, holes=False)
        image = image_of_rootfs(lease, tar, document, (reference,), reason="bootstrap").image
    engine.events.publish("image", "import", str(image.id), {"name": str(reference)})
    return image.id
