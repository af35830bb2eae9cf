"""Beginning a manifest list, and saying more about what is in it."""

from collections.abc import Sequence

from wherry.engine.images.sessions import registry_session
from wherry.engine.manifests.drafts import (
    DraftExists,
    NotInList,
    entries_of,
    find_entry,
    save_entry,
)
from wherry.engine.manifests.fetch import fetch_entry
from wherry.oci.platform import Platform
from wherry.oci.reference import Reference
from wherry.values import replace


def create_manifest_list(
    name: str, images: Sequence[str], *, amend: bool = False, insecure: bool = False
) -> Reference:
    """Draft the list `name` of `images`, which are in a registry; its name in full."""
    wanted = Reference.parse(name).with_default_tag()
    references = [Reference.parse(image).with_default_tag() for image in images]
    if not amend and entries_of(wanted):
        raise DraftExists
    domains = {reference.domain for reference in references} if insecure else set()
    with registry_session(insecure=domains) as session:
        entries = [fetch_entry(session, reference) for reference in references]
    for entry in entries:
        save_entry(wanted, entry)
    return wanted


def annotate_manifest(
    name: str,
    image: str,
    *,
    system: str = "",
    architecture: str = "",
    variant: str = "",
    os_version: str = "",
    os_features: Sequence[str] = (),
) -> None:
    """Change the platform of one image in the draft; what is empty stays. NotInList."""
    wanted = Reference.parse(name).with_default_tag()
    reference = Reference.parse(image).with_default_tag()
    entry = find_entry(wanted, reference)
    if entry is None:
        raise NotInList(str(Reference.parse(image)), str(Reference.parse(name)))
    before = entry.descriptor.platform or Platform(os="linux", architecture="")
    platform = replace(
        before,
        os=system or before.os,
        architecture=architecture or before.architecture,
        variant=variant or before.variant,
        os_version=os_version or before.os_version,
        os_features=tuple(dict.fromkeys((*before.os_features, *os_features))),
    )
    save_entry(wanted, entry.on(platform))
