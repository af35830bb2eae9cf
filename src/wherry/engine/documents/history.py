"""Docker's image history, GET /images/{name}/history: newest first."""

from collections.abc import Callable, Iterator, Sequence

from wherry.errors import Internal
from wherry.oci.digest import ChainID
from wherry.oci.image_config import History, ImageConfig
from wherry.oci.timestamps import ZERO, parse_timestamp

MISSING = "<missing>"


def history_document(
    config: ImageConfig,
    size_of_layer: Callable[[ChainID], int],
    ancestors: Sequence[tuple[str, list[str]]],
) -> list[dict[str, object]]:
    """What made the image, step by step.

    `ancestors` are the ID and tags of the image, its parent, and so on: the newest entries
    are theirs, those below were made elsewhere and are `<missing>`.
    """
    chain = iter(config.chain_ids)
    rows = [_row(entry, _size_of(entry, chain, size_of_layer)) for entry in config.history]
    rows.reverse()
    for row, (image_id, tags) in zip(rows, ancestors, strict=False):
        row["Id"] = image_id
        row["Tags"] = tags or None
    return rows


def _size_of(
    entry: History, chain: Iterator[ChainID], size_of_layer: Callable[[ChainID], int]
) -> int:
    """The size of the layer that `entry` made, if it made one."""
    if entry.empty_layer:
        return 0
    layer = next(chain, None)
    if layer is None:
        raise Internal("too many non-empty layers in History section")
    return size_of_layer(layer)


def _row(entry: History, size: int) -> dict[str, object]:
    created = ZERO if entry.created is None else parse_timestamp(entry.created)
    return {
        "Id": MISSING,
        "Created": created // 10**9,
        "CreatedBy": entry.created_by,
        "Tags": None,
        "Size": size,
        "Comment": entry.comment,
    }
