"""wherry images"""

import time

from wherry.cli.context import Context
from wherry.cli.flags import Boolean, Filters, FlagSet, String, Syntax
from wherry.cli.listing import FORMAT_HELP, print_rows
from wherry.cli.units import human_duration, human_size
from wherry.errors import InvalidArgument

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from wherry.engine.images.list import ListedImage
    from wherry.oci.reference import Reference

SYNTAX = Syntax("[OPTIONS] [REPOSITORY[:TAG]]", most=1)
TITLES = {
    "ID": "IMAGE ID",
    "Repository": "REPOSITORY",
    "Tag": "TAG",
    "Digest": "DIGEST",
    "CreatedSince": "CREATED",
    "CreatedAt": "CREATED AT",
    "Size": "SIZE",
    "Containers": "CONTAINERS",
    "VirtualSize": "SIZE",
    "SharedSize": "SHARED SIZE",
    "UniqueSize": "UNIQUE SIZE",
}
_TABLE = "{{.Repository}}\t{{.Tag}}\t{{.ID}}\t{{.CreatedSince}}\t{{.Size}}"
_TABLE_WITH_DIGESTS = _TABLE.replace("{{.ID}}", "{{.Digest}}\t{{.ID}}")
_NONE = "<none>"
KIND = "*formatter.imageContext"
_SHORT = 12
_RAW_ID = "image_id: {{.ID}}"
_RAW = (
    "repository: {{.Repository}}\ntag: {{.Tag}}\nimage_id: {{.ID}}\n"
    "created_at: {{.CreatedAt}}\nvirtual_size: {{.Size}}\n"
)


class Flags(FlagSet):
    all = Boolean("a", "Show all images (default hides intermediate images)")
    digests = Boolean("", "Show digests")
    filter = Filters("f", "Filter output based on conditions provided")
    format = String("", FORMAT_HELP)
    no_trunc = Boolean("", "Don't truncate output")
    quiet = Boolean("q", "Only show image IDs")
    tree = Boolean("", "Show each image once, with its names below each other")


def run(flags: Flags, context: Context) -> None:
    from wherry.engine.images.list import select_images  # --help does without the engine

    filters = dict(flags.filter)
    if flags.operands:
        filters["reference"] = (*filters.get("reference", ()), flags.operands[0])
    if flags.tree:
        _refuse_with_tree(flags)
    images = select_images(context.engine, all_images=flags.all, filters=filters)
    if flags.tree:
        from wherry.cli.image_tree import print_tree  # a view of its own

        print_tree(context, images)
        return
    with_digests = flags.digests or ".Digest" in flags.format
    rows = [
        row
        for image in images
        for row in image_rows(image, digests=with_digests, whole=flags.no_trunc)
    ]
    if flags.quiet and not flags.format:
        for row in rows:
            context.out(str(row["ID"]))
        return
    print_rows(
        context,
        rows,
        chosen=flags.format if flags.format != "raw" else _RAW_ID if flags.quiet else _RAW,
        titles=TITLES,
        default=_TABLE_WITH_DIGESTS if flags.digests else _TABLE,
        kind=KIND,
    )


def image_rows(
    listed: "ListedImage", *, digests: bool, whole: bool = False
) -> "Iterator[dict[str, object]]":
    """A row for each tag; with `digests` for each tag and digest of a repository."""
    image = listed.image
    common: dict[str, object] = {
        "Containers": "N/A",
        "CreatedAt": created_at(image.created_ns // 10**9),
        "CreatedSince": created_since(image.created_ns // 10**9),
        "ID": str(image.id) if whole else image.id.hex[:_SHORT],
        "SharedSize": "N/A",
        "Size": human_size(image.size, 3),
        "UniqueSize": "N/A",
        "VirtualSize": human_size(image.size),
    }
    for repository, tag, digest in _named(listed.names, digests):
        yield dict(
            sorted({**common, "Repository": repository, "Tag": tag, "Digest": digest}.items())
        )


def created_since(seconds: int) -> str:
    """How long ago that was, in the words of a list; N/A for Go's zero time."""
    return "N/A" if _is_zero(seconds) else f"{human_duration(time.time() - seconds)} ago"


def created_at(seconds: int) -> str:
    if _is_zero(seconds):
        return "N/A"
    return time.strftime("%Y-%m-%d %H:%M:%S %z %Z", time.localtime(seconds))


def _is_zero(seconds: int) -> bool:
    return seconds < -(1 << 33)  # no image is of 1697


def _named(names: "tuple[Reference, ...]", with_digests: bool) -> "Iterator[tuple[str, str, str]]":
    if not names:
        yield _NONE, _NONE, _NONE
        return
    tags: dict[str, list[str]] = {}
    digests: dict[str, list[str]] = {}
    for name in names:
        of = tags if name.digest is None else digests
        of.setdefault(name.familiar_name, []).append(str(name.digest or name.tag))
    for repository, own in tags.items():
        known = digests.pop(repository, []) if with_digests else []
        for tag in own:
            for digest in known or (_NONE,):
                yield repository, tag, digest
    for repository, own in digests.items():
        if repository in tags:
            continue  # shown by its tags
        for digest in own if with_digests else ("",):
            yield repository, _NONE, digest


def _refuse_with_tree(flags: Flags) -> None:
    for attribute in ("quiet", "no_trunc", "digests", "format"):
        if flags.given(attribute):
            name = attribute.replace("_", "-")
            raise InvalidArgument(f"--{name} is not supported with --tree")
