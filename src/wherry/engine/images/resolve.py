"""Finding the image that a container is to be made from."""

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from wherry.errors import InvalidArgument, NotFound
from wherry.oci.digest import ChainID, Digest
from wherry.oci.image_config import ImageConfig
from wherry.oci.platform import Platform
from wherry.oci.reference import Reference
from wherry.store.images import NoSuchImage, StoredImage, find_image, layers_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from wherry.engine.engine import Engine

_BOOTSTRAPPED = ("busybox", "debian", "ubuntu")
_NO_REGISTRY = "Wherry has no registry to pull from yet"


class PullPolicy(Enum):
    ALWAYS = "always"
    MISSING = "missing"
    NEVER = "never"


@dataclass(frozen=True, kw_only=True, slots=True)
class ResolvedImage:
    """An image that is here, with what a container of it needs. Lowest layer first."""

    id: Digest
    config: ImageConfig
    chain_ids: tuple[ChainID, ...]


class ImageNotFound(NoSuchImage):
    """No image of this name is here; the hint says how to get one."""

    def __init__(self, name: str, hint: str = "") -> None:
        super().__init__(name)
        self.hint = hint


class WrongPlatform(NotFound):
    def __init__(self, name: str, wanted: Platform, actual: Platform) -> None:
        super().__init__(
            f"image with reference {name} was found but does not match the specified platform: "
            f"wanted {wanted}, actual: {actual}"
        )


class InvalidPullPolicy(InvalidArgument):
    def __init__(self, text: str) -> None:
        super().__init__(
            f'invalid pull option: \'{text}\': must be one of "always", "missing" or "never"'
        )


def parse_pull_policy(text: str) -> PullPolicy:
    """The policy that --pull names; nothing means missing."""
    try:
        return PullPolicy(text or "missing")
    except ValueError:
        raise InvalidPullPolicy(text) from None


def resolve_image(
    engine: "Engine",
    name: str,
    *,
    platform: Platform | None = None,
    pull: PullPolicy = PullPolicy.MISSING,
    notify: "Callable[[str], None] | None" = None,
) -> ResolvedImage:
    """The image called `name`, for `platform` if one is asked for.

    `notify` gets the line that Docker prints before it pulls. Raises InvalidReference,
    ImageNotFound, WrongPlatform, AmbiguousImage.
    """
    if pull is PullPolicy.ALWAYS:
        raise ImageNotFound(_full_name(name), f"{_NO_REGISTRY}; leave out --pull always")
    connection = engine.store.database.connection
    try:
        image = find_image(connection, name)
        check_platform(image, name, platform)
    except NotFound as error:
        if pull is PullPolicy.MISSING and notify is not None:
            notify(f"Unable to find image '{_full_name(name)}' locally")
        if isinstance(error, WrongPlatform):
            raise
        raise ImageNotFound(_full_name(name), _hint(name)) from None
    return ResolvedImage(
        id=image.id,
        config=image.config,
        chain_ids=tuple(layers_of(connection, image.id)),
    )


def check_platform(image: StoredImage, name: str, wanted: Platform | None) -> None:
    """Raise WrongPlatform unless the image is for `wanted`, if that is asked for."""
    if wanted is None:
        return
    actual = image.config.platform
    if (actual.os, actual.architecture) != (wanted.os, wanted.architecture) or (
        wanted.variant and actual.variant not in ("", wanted.variant)
    ):
        raise WrongPlatform(name, wanted, actual)


def _full_name(name: str) -> str:
    if name.startswith("sha256:"):
        return name
    return str(Reference.parse(name).with_default_tag())


def _hint(name: str) -> str:
    repository = Reference.parse(name).familiar_name if not name.startswith("sha256:") else ""
    if repository in _BOOTSTRAPPED:
        suggestion = name if name != "debian" else "debian:bookworm"
        return f"{_NO_REGISTRY}; make this image with: wherry bootstrap {suggestion}"
    return f"{_NO_REGISTRY}; wherry load and wherry import take archives"
