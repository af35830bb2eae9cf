"""Docker's documents of a volume."""

from wherry.store.store import Store
from wherry.store.volumes import Volume, data_folder


def volume_document(store: Store, volume: Volume) -> dict[str, object]:
    """GET /volumes/{name}."""
    return {
        "CreatedAt": volume.created[:19] + "Z",  # whole seconds, as Docker has them
        "Driver": volume.driver,
        "Labels": volume.labels or None,
        "Mountpoint": str(data_folder(store, volume.name)),
        "Name": volume.name,
        "Options": volume.options or None,
        "Scope": "local",
    }
