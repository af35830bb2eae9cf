"""The images that stages begin with: in the store, pulled, or read from an image layout."""

import os
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from wherry.build.order import Base
from wherry.build.progress import Report, vertex
from wherry.build.stage import NotCached
from wherry.engine.builds.options import BuildOptions
from wherry.engine.images.progress import Report as PullReport
from wherry.engine.images.progress import quietly
from wherry.engine.images.resolve import PullPolicy, ensure_image, resolve_image
from wherry.errors import MissingImage, NotFound
from wherry.oci.digest import Digest
from wherry.oci.image_config import image_id
from wherry.oci.platform import Platform
from wherry.oci.reference import Reference
from wherry.registry.credentials import Credential
from wherry.store.layers import chain_of, claim_layer
from wherry.store.leases import Lease
from wherry.store.tag_settings import warning_of

if TYPE_CHECKING:
    from wherry.engine.engine import Engine

LAYOUT = "oci-layout://"

Resolve = Callable[[str, Platform | None], Base]


def base_resolver(
    engine: "Engine",
    lease: Lease,
    report: Report,
    options: BuildOptions,
    pulling: PullReport = quietly,
) -> Resolve:
    """What finds the image of a name once; its layers stay as long as the lease.

    `pulling` is told how pulls go.
    """
    found: dict[tuple[str, Platform | None], Base] = {}

    def resolve(name: str, platform: Platform | None) -> Base:
        base = found.get((name, platform))
        if base is None:
            if name.startswith(LAYOUT):
                base = _base_in_layout(lease, name, platform)
            else:
                warn_of_tag(name, report)
                base = _base_in_store(engine, lease, name, platform, options, pulling)
            found[name, platform] = base
        return base

    return resolve


def only_stored(engine: "Engine", resolve: Resolve) -> Resolve:
    """`resolve`, but NotCached for images that would have to be fetched or read."""

    def resolve_stored(name: str, platform: Platform | None) -> Base:
        if name.startswith(LAYOUT):
            raise NotCached
        try:
            resolve_image(engine, name, platform=platform, pull=PullPolicy.NEVER)
        except (MissingImage, NotFound) as error:
            raise NotCached from error
        return resolve(name, platform)

    return resolve_stored


def warn_of_tag(name: str, report: Report) -> None:
    """Say what the configuration wants to be said about a name that moves."""
    if text := warning_of(name, os.environ):
        with vertex(report, f"WARNING: {text}"):
            pass


def _base_in_store(
    engine: "Engine",
    lease: Lease,
    name: str,
    platform: Platform | None,
    options: BuildOptions,
    pulling: PullReport,
) -> Base:
    policy = PullPolicy.ALWAYS if options.pull else PullPolicy.MISSING
    credential = credential_for(Reference.parse(name), options.credentials)
    ensure_image(
        engine, name, platform=platform, pull=policy, credential=credential, report=pulling
    )
    image = resolve_image(engine, name, platform=platform, pull=PullPolicy.NEVER)
    top = image.chain_ids[-1] if image.chain_ids else None
    if top is not None:
        claim_layer(lease, top)
    layers = tuple(reversed(chain_of(engine.store, top)))
    return Base(name=name, id=image.id, config=image.config, layers=layers)


def credential_for(name: Reference, known: Mapping[str, Credential] | None) -> Credential | None:
    """What is known for the registry of an image; None is what this user's file has."""
    if known is None:
        return None
    return known.get(name.domain, Credential())


def _base_in_layout(lease: Lease, name: str, platform: Platform | None) -> Base:
    """`oci-layout://FOLDER[:TAG][@DIGEST]`; what of it was not here is taken in."""
    # Archives of images, for those who begin with one.
    from wherry.images.archive.layout import open_layout
    from wherry.images.archive.oci import oci_image
    from wherry.images.ingest import LayerSource, take_in_layers

    text, _, digest = name.removeprefix(LAYOUT).partition("@")
    folder, colon, tag = text.rpartition(":")
    if not colon or "/" in tag:
        folder, tag = text, ""
    with open_layout(folder) as layout:
        image = oci_image(layout, platform, tag=tag, digest=Digest(digest) if digest else None)
        sources = [
            LayerSource(
                read=layer.member.pieces, diff_id=layer.diff_id, descriptor=layer.descriptor
            )
            for layer in image.layers
        ]
        layers = take_in_layers(lease, sources)
    return Base(name=name, id=image_id(image.document), config=image.config, layers=tuple(layers))
