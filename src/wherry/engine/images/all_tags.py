"""`--all-tags` of pull and push, which takes a repository."""

from wherry.errors import InvalidArgument
from wherry.oci.reference import Reference


class TagWithAllTags(InvalidArgument):
    def __init__(self) -> None:
        super().__init__("tag can't be used with --all-tags/-a")


def check_all_tags(reference: Reference, *, all_tags: bool) -> None:
    """Raise TagWithAllTags where all tags and one of them are asked for."""
    if all_tags and not reference.is_name_only:
        raise TagWithAllTags
