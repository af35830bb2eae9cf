"""A stored layer as the tar that its diff ID is the hash of."""

import hashlib
from collections.abc import Generator, Iterator

from wherry.errors import Internal
from wherry.oci.digest import DiffID
from wherry.store.diff import layer_tar
from wherry.store.layers import Layer, diff_folder, layer_folder
from wherry.store.stages import hashed, prefetched
from wherry.store.store import Store
from wherry.store.tar_record import has_record, rebuilt_tar


class DamagedLayer(Internal):
    """What is on disk is no longer what was unpacked."""

    def __init__(self, layer: Layer, found: DiffID) -> None:
        super().__init__(
            f"layer {layer.id} is damaged: its tar has diff ID {found}, expected {layer.diff_id}"
        )
        self.layer = layer


def tar_of_layer(store: Store, layer: Layer) -> Generator[bytes, None, None]:
    """The layer's tar, `layer.tar_size` bytes. DamagedLayer at its end if it is another one.

    Reading, hashing and what the caller does with the pieces run beside each other.
    """
    digest = hashlib.new(layer.diff_id.algorithm)
    yield from prefetched(hashed(_pieces(store, layer), digest))
    found = DiffID.of_hash(digest)
    if found != layer.diff_id:
        raise DamagedLayer(layer, found)


def _pieces(store: Store, layer: Layer) -> Iterator[bytes]:
    folder = layer_folder(store, layer)
    if has_record(folder):
        return rebuilt_tar(folder)
    return layer_tar(diff_folder(store, layer), holes=False)
