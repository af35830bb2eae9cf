"""Choosing the manifest of an index that suits a platform."""

from wherry.errors import NotFound
from wherry.oci.descriptor import Descriptor
from wherry.oci.index import Index
from wherry.oci.media_type import MANIFESTS
from wherry.oci.platform import Platform

_MOST = 10_000  # entries of one index; no real one has a hundred


class NoMatchingManifest(NotFound):
    def __init__(self, platform: Platform) -> None:
        super().__init__(f"no matching manifest for {platform} in the manifest list entries")
        self.platform = platform


def choose_manifest(index: Index, wanted: Platform, *, exact: bool = False) -> Descriptor:
    """The entry that suits `wanted` best, the first of equals; NoMatchingManifest if none does.

    `exact` leaves out what the platform merely can run, as for `--platform`.
    """
    best: tuple[int, int] | None = None
    found: Descriptor | None = None
    for position, entry in enumerate(index.manifests[:_MOST]):
        if entry.media_type not in MANIFESTS or entry.platform is None:
            continue
        rank = wanted.rank(entry.platform)
        if rank is None or (exact and _differs(wanted, entry.platform)):
            continue
        if best is None or (rank, position) < best:
            best, found = (rank, position), entry
    if found is None:
        raise NoMatchingManifest(wanted)
    return found


def _differs(wanted: Platform, found: Platform) -> bool:
    return found.normalised.architecture != wanted.normalised.architecture
