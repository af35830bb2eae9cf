"""Finding the images in an archive, whichever form it has."""

from wherry.images.archive.docker import MANIFEST, docker_images
from wherry.images.archive.image import ArchivedImage
from wherry.images.archive.members import Archive, InvalidImageArchive
from wherry.images.archive.oci import INDEX, oci_images
from wherry.oci.platform import Platform


def images_in(archive: Archive, platform: Platform | None) -> list[ArchivedImage]:
    """Every image of the archive, or InvalidImageArchive.

    Where manifest.json stands beside index.json, Docker reads the former: the tags are there.
    """
    if MANIFEST in archive:
        return docker_images(archive, platform)
    if INDEX in archive:
        return oci_images(archive, platform)
    raise InvalidImageArchive(f"does not contain a {MANIFEST} nor an {INDEX}")
