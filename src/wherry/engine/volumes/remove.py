"""Removing a volume."""

from typing import TYPE_CHECKING

from wherry.store.volumes import NoSuchVolume
from wherry.store.volumes import remove_volume as remove_row

if TYPE_CHECKING:
    from wherry.engine.engine import Engine


def remove_volume(engine: "Engine", name: str, *, force: bool = False) -> None:
    """Remove the volume and its content. With `force` it need not be there."""
    try:
        remove_row(engine.store, name)
    except NoSuchVolume:
        if not force:
            raise
    else:
        engine.events.publish("volume", "destroy", name, {"driver": "local"})
