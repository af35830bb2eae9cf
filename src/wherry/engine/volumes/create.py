"""Making a volume."""

from collections.abc import Mapping

from wherry.store.volumes import Volume
from wherry.store.volumes import create_volume as create_row
from wherry.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from wherry.engine.engine import Engine


def create_volume(
    engine: "Engine",
    name: str = "",
    *,
    driver: str = "local",
    options: Mapping[str, str] | None = None,
    labels: Mapping[str, str] | None = None,
) -> Volume:
    """The volume of this name, made if it is not there; without a name an anonymous one."""
    volume, is_new = create_row(engine.store, name, driver=driver, options=options, labels=labels)
    if is_new:
        engine.events.publish("volume", "create", volume.name, {"driver": volume.driver})
    return volume
