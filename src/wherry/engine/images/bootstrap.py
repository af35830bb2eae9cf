"""Making a base image without a registry, from what the machine has."""

import json
import os
import time
from typing import TYPE_CHECKING

from wherry.engine.documents.version import go_architecture
from wherry.engine.images.bootstrap_debian import SUPPORTED, DebianOptions, make_debian_layer
from wherry.engine.images.tag import parse_tag
from wherry.errors import InvalidArgument
from wherry.images.busybox import fill_root, find_busybox
from wherry.oci.digest import Digest
from wherry.oci.reference import Reference
from wherry.oci.timestamps import format_timestamp
from wherry.store.diff import layer_tar
from wherry.store.images import StoredImage, insert_image, set_tag
from wherry.store.layers import Layer, new_diff_folder, register_layer
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
            layer, moment = _busybox_layer(lease)
            command = "sh"
        elif wanted.familiar_name in SUPPORTED and wanted.digest is None:
            layer, seconds = make_debian_layer(lease, wanted, options or DebianOptions())
            moment, command = seconds * 10**9, "bash"
        else:
            raise UnknownBase(name)
        document = _configuration(command, format_timestamp(moment), str(layer.diff_id))
        image = StoredImage(
            id=Digest.of_bytes(document),
            document=document,
            size=layer.size,
            created_ns=moment,
            added_ns=time.time_ns(),
        )
        with store.database.write() as connection:
            insert_image(connection, image, [layer.chain_id])
            set_tag(connection, reference, image.id, image.added_ns, "bootstrap")
    engine.events.publish("image", "import", str(image.id), {"name": str(reference)})
    return image.id


def _busybox_layer(lease: Lease) -> tuple[Layer, int]:
    busybox = find_busybox()
    root = new_diff_folder(lease.new_path("-busybox"))
    moment = fill_root(root, busybox)
    return register_layer(lease, layer_tar(root, holes=False)), moment


def _configuration(command: str, created: str, diff_id: str) -> bytes:
    document = {
        "architecture": go_architecture(os.uname().machine),
        "config": {"Cmd": [command], "Env": [PATH]},
        "created": created,
        "history": [{"comment": "Made by wherry bootstrap", "created": created}],
        "os": "linux",
        "rootfs": {"diff_ids": [diff_id], "type": "layers"},
    }
    return json.dumps(document, separators=(",", ":"), sort_keys=True).encode()
