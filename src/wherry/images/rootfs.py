"""An image of one layer, made from a root filesystem."""

from collections.abc import Callable, Iterable

from wherry.images.ingest import (
    CommittedImage,
    LayerSource,
    NewImage,
    commit_images,
    take_in_layers,
)
from wherry.oci.digest import DiffID
from wherry.oci.image_config import ContainerDefaults, History, ImageConfig, RootFS
from wherry.oci.platform import Platform
from wherry.oci.reference import Reference
from wherry.store.leases import Lease


def rootfs_document(
    diff_id: DiffID,
    defaults: ContainerDefaults,
    *,
    created: str,
    comment: str,
    platform: Platform,
) -> bytes:
    """The configuration of an image whose only layer has this diff ID; `created` is RFC 3339."""
    return ImageConfig(
        architecture=platform.architecture,
        variant=platform.variant,
        os=platform.os,
        created=created,
        comment=comment,
        config=defaults,
        rootfs=RootFS(type="layers", diff_ids=(diff_id,)),
        history=(History(created=created, comment=comment),),
    ).to_bytes()


def image_of_rootfs(
    lease: Lease,
    chunks: Iterable[bytes],
    document: Callable[[DiffID], bytes],
    names: tuple[Reference, ...],
    *,
    reason: str,
) -> CommittedImage:
    """The image of the tar in `chunks`, compressed or not; `document` makes its configuration."""
    (layer,) = take_in_layers(lease, [LayerSource(read=lambda: chunks)])
    new = NewImage(document=document(layer.diff_id), layers=[layer], names=names)
    (committed,) = commit_images(lease, [new], reason=reason)
    return committed
