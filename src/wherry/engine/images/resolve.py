"""Finding the image that a container is to be made from."""

from enum import Enum

from wherry.errors import InvalidArgument, MissingImage, NotFound
from wherry.oci.digest import ChainID, Digest
from wherry.oci.image_config import ImageConfig
from wherry.oci.platform import Platform
from wherry.oci.reference import Reference
from wherry.store.images import NoSuchImage, StoredImage, find_image, layers_of
from wherry.typed import TYPE_CHECKING
from wherry.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable

    from wherry.engine.engine import Engine
    from wherry.engine.images.progress import Report
    from wherry.registry.credentials import Credential


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


class ImageNotFound(NoSuchImage, MissingImage):
    """No image of this name is here."""


class WrongPlatform(MissingImage):
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

    `notify` gets the line that Docker prints before it pulls. What is missing is pulled here only
    on `pull` ALWAYS: the child that is to stay with a container must not load what a pull needs,
    so its client pulls (see `ensure_image`) and asks again.

    Raises InvalidReference, ImageNotFound, WrongPlatform, AmbiguousImage.
    """
    if pull is PullPolicy.ALWAYS:
        ensure_image(engine, name, platform=platform, pull=pull)
    connection = engine.store.database.connection
    try:
        image = find_image(connection, name)
        check_platform(image, name, platform)
    except NotFound as error:
        if pull is PullPolicy.MISSING and notify is not None:
            notify(f"Unable to find image '{_full_name(name)}' locally")
        if isinstance(error, WrongPlatform):
            raise
        raise ImageNotFound(_full_name(name)) from None
    return ResolvedImage(
        id=image.id,
        config=image.config,
        chain_ids=tuple(layers_of(connection, image.id)),
    )


def ensure_image(
    engine: "Engine",
    name: str,
    *,
    platform: Platform | None = None,
    pull: PullPolicy = PullPolicy.MISSING,
    credential: "Credential | None" = None,
    report: "Report | None" = None,
) -> None:
    """Pull the image if the policy asks for it, or if it is missing and the policy allows it.

    Raises what `pull_image` raises, and ImageNotFound.
    """
    if pull is not PullPolicy.ALWAYS:
        try:
            resolve_image(engine, name, platform=platform, pull=PullPolicy.NEVER)
        except MissingImage:
            if pull is PullPolicy.NEVER:
                raise
        else:
            return
    from wherry.engine.images.progress import quietly
    from wherry.engine.images.pull import pull_image  # HTTP and TLS, only for who needs them

    pull_image(engine, name, platform=platform, credential=credential, report=report or quietly)


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
