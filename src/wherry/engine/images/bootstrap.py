"""Making a base image without a registry, from what the machine has."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from wherry.engine.images.bootstrap_debian import SUPPORTED, DebianOptions, debian_root
from wherry.engine.images.tag import parse_tag
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
from wherry.store.leases import Lease, lease_of

if TYPE_CHECKING:
    from wherry.engine.engine import Engine

PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_BUSYBOX = "busybox"
KNOWN = (_BUSYBOX, *(f"{name}:RELEASE" for name in SUPPORTED))


class UnknownBase(InvalidArgument):
    def __init__(self, name: str) -> None:
        super().__init__(
            f"{name}: no way is known to make this image here",
            hint=f"what can be made: {', '.join(KNOWN)}",
        )


def bootstrap_image(
    engine: "Engine", name: str, tag: str = "", options: DebianOptions | None = None
) -> Digest:
    """Make the base image `name` and tag it `tag`, by default with its own name; its ID.

    Until it is complete there is nothing of it, whatever stops this.
    """
    wanted = Reference.parse(name).with_default_tag()
    reference = parse_tag(tag) if tag else wanted
    store = engine.store
    store.make_folders()
    with lease_of(store) as lease:
        if str(wanted) == f"{_BUSYBOX}:latest":
            tar, moment = _busybox_root(lease)
            command = "sh"
        elif wanted.familiar_name in SUPPORTED and wanted.digest is None:
            tar, seconds = debian_root(lease, wanted, options or DebianOptions())
            moment, command = seconds * 10**9, "bash"
        else:
            raise UnknownBase(name)

        def document(diff_id: DiffID) -> bytes:
            return rootfs_document(
                diff_id,
                ContainerDefaults(cmd=(command,), env=(PATH,)),
                created=format_timestamp(moment),
                comment="Made by wherry bootstrap",
                platform=Platform.host(),
            )

        image = image_of_rootfs(lease, tar, document, (reference,), reason="bootstrap").image
    engine.events.publish("image", "import", str(image.id), {"name": str(reference)})
    return image.id


def _busybox_root(lease: Lease) -> tuple[Iterable[bytes], int]:
    busybox = find_busybox()
    root = new_diff_folder(lease.new_path("-busybox"))
    moment = fill_root(root, busybox)
    return layer_tar(root, holes=False), moment
