"""`Engine().images`."""

from typing import TYPE_CHECKING

from wherry.engine.images.bootstrap import bootstrap_image
from wherry.engine.images.bootstrap_debian import DebianOptions
from wherry.engine.images.resolve import ResolvedImage, resolve_image
from wherry.engine.images.tag import tag_image
from wherry.oci.platform import Platform

if TYPE_CHECKING:
    from wherry.engine.engine import Engine


class Images:
    def __init__(self, engine: "Engine") -> None:
        self._engine = engine

    def get(self, name: str, *, platform: str = "") -> ResolvedImage:
        """The image called `name`, or ImageNotFound with a hint on how to get it."""
        wanted = Platform.parse(platform) if platform else None
        return resolve_image(self._engine, name, platform=wanted)

    def bootstrap(self, name: str, tag: str = "", options: DebianOptions | None = None) -> str:
        """Make a base image without a registry; its ID."""
        return str(bootstrap_image(self._engine, name, tag, options))

    def tag(self, source: str, target: str) -> None:
        """Give the image called `source` another name."""
        tag_image(self._engine, source, target)
