"""`Engine().images`.

engine.images.load("app.tar")                       # [LoadedImage(...)]
engine.images.pull("debian:bookworm")               # [PulledImage(...)]
engine.images.tag("app:1", "app:latest")
with open("all.tar", "wb") as file:
    for piece in engine.images.save("app:1", "busybox"):
        file.write(piece)
"""

import builtins
import os
from collections.abc import Iterable, Iterator, Sequence
from os import PathLike
from typing import TYPE_CHECKING, BinaryIO

from wherry.engine.filters import Filters
from wherry.engine.images.bootstrap import bootstrap_image
from wherry.engine.images.bootstrap_debian import DebianOptions
from wherry.engine.images.history import image_history
from wherry.engine.images.import_ import import_image
from wherry.engine.images.inspect import inspect_image
from wherry.engine.images.list import ListedImage, select_images
from wherry.engine.images.load import LoadedImage, LoadProgress, load_images
from wherry.engine.images.prune import PrunedImages, prune_images
from wherry.engine.images.remove import Removal, remove_image
from wherry.engine.images.resolve import ResolvedImage, resolve_image
from wherry.engine.images.save import parse_form, save_images
from wherry.engine.images.tag import lock_tag, tag_image, tag_log
from wherry.oci.digest import Digest
from wherry.oci.platform import Platform
from wherry.store.images import TagMove

if TYPE_CHECKING:
    from wherry.engine.engine import Engine
    from wherry.engine.images.pull import PulledImage
    from wherry.engine.images.push import PushedImage


class Images:
    """Names may be IDs and their unambiguous beginnings too."""

    def __init__(self, engine: "Engine") -> None:
        self._engine = engine

    def pull(
        self, name: str, *, platform: str = "", all_tags: bool = False
    ) -> "builtins.list[PulledImage]":
        """Fetch an image, or all tags of a repository, from its registry."""
        from wherry.engine.images.pull import pull_image  # HTTP and TLS, 60 ms

        wanted = _platform(platform)
        return pull_image(self._engine, name, platform=wanted, all_tags=all_tags)

    def push(self, name: str, *, all_tags: bool = False) -> "builtins.list[PushedImage]":
        """Send an image, or all tags of a repository, to its registry."""
        from wherry.engine.images.push import push_image  # HTTP and TLS, 60 ms

        return push_image(self._engine, name, all_tags=all_tags)

    def build(self, context: str | PathLike[str], *, tag: str = "", **options: object) -> Digest:
        """Build the image of a folder's Dockerfile; its ID. BuildFailed tells step, place and log.

        Options are those of `BuildOptions`. A child builds, with this process's files, environment
        and rights; it stops when this process is interrupted or ends.
        """
        from wherry.engine.builds.in_child import build_in_child  # for builds only
        from wherry.engine.builds.options import options_from

        tags = (tag,) if tag else ()
        wanted = options_from(context=os.fspath(context), tags=tags, **options)
        return build_in_child(self._engine, wanted)

    def load(
        self,
        source: str | PathLike[str] | BinaryIO,
        *,
        platform: str = "",
        progress: LoadProgress | None = None,
    ) -> builtins.list[LoadedImage]:
        """Take in the images of an archive: a path, or an open file, pipe or socket."""
        wanted = _platform(platform)
        if isinstance(source, str | PathLike):
            with open(source, "rb", buffering=0) as file:
                return load_images(self._engine, file, platform=wanted, progress=progress)
        return load_images(self._engine, source, platform=wanted, progress=progress)

    def save(self, *names: str, platform: str = "", form: str = "docker") -> Iterator[bytes]:
        """The pieces of an archive of these images; `form` is docker or oci."""
        return save_images(self._engine, names, platform=_platform(platform), form=parse_form(form))

    def import_(
        self,
        chunks: Iterable[bytes],
        name: str = "",
        *,
        changes: Sequence[str] = (),
        message: str = "",
        platform: str = "",
    ) -> Digest:
        """Make an image of the root filesystem in a tar, compressed or not; its ID."""
        return import_image(
            self._engine,
            chunks,
            name,
            changes=changes,
            message=message,
            platform=_platform(platform),
        )

    def list(
        self, filters: Filters | None = None, *, all_images: bool = False
    ) -> builtins.list[ListedImage]:
        """The images, newest first."""
        return select_images(self._engine, all_images=all_images, filters=filters)

    def get(self, name: str, *, platform: str = "") -> ResolvedImage:
        """The image called `name`, or ImageNotFound with a hint on how to get it."""
        return resolve_image(self._engine, name, platform=_platform(platform))

    def inspect(self, name: str, *, platform: str = "") -> dict[str, object]:
        """Docker's document of the image called `name`."""
        return inspect_image(self._engine, name, platform=_platform(platform))

    def history(self, name: str, *, platform: str = "") -> builtins.list[dict[str, object]]:
        """What the image was made of, newest step first."""
        return image_history(self._engine, name, platform=_platform(platform))

    def bootstrap(self, name: str, tag: str = "", options: DebianOptions | None = None) -> str:
        """Make a base image without a registry; its ID."""
        return str(bootstrap_image(self._engine, name, tag, options))

    def tag(self, source: str, target: str) -> None:
        """Give the image called `source` another name."""
        tag_image(self._engine, source, target)

    def lock(self, name: str, *, locked: bool = True) -> None:
        """Let a tag stay on its image, or let it move again."""
        lock_tag(self._engine, name, locked=locked)

    def log(self, name: str) -> builtins.list[TagMove]:
        """What a tag has pointed at, oldest first."""
        return tag_log(self._engine, name)

    def remove(
        self, name: str, *, force: bool = False, prune: bool = True
    ) -> builtins.list[Removal]:
        """Remove a name, and with the last one its image."""
        return remove_image(self._engine, name, force=force, prune=prune)

    def prune(self, filters: Filters | None = None) -> PrunedImages:
        """Remove the images without a name; with `{"dangling": ("false",)}` all unused ones."""
        return prune_images(self._engine, filters)


def _platform(text: str) -> Platform | None:
    return Platform.parse(text) if text else None
