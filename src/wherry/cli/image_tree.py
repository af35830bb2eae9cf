"""`images --tree`: each image once, its names below each other, and who needs it.

IMAGE              ID             DISK USAGE   CONTENT SIZE   EXTRA
app:1              4f5c3a1b2c3d        170MB          171MB   U
├─ app:latest                                                 L
└─ registry/app:1
"""

from wherry.cli.context import Context
from wherry.cli.tables import table_lines
from wherry.cli.units import human_size

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from wherry.engine.images.list import ListedImage

_TITLES = ("IMAGE", "ID", "DISK USAGE", "CONTENT SIZE", "EXTRA")


def print_tree(context: Context, images: "Sequence[ListedImage]") -> None:
    """Print the images by name, those without one last. U is in use, L a locked tag."""
    from wherry.engine.images.filters import used_images  # --help does without the engine
    from wherry.store.images import layers_of, locked_tags
    from wherry.store.layers import list_layers

    connection = context.engine.store.database.connection
    sizes = {layer.chain_id: layer.tar_size for layer in list_layers(context.engine.store)}
    used = used_images(connection)
    locked = locked_tags(connection)
    rows: list[Sequence[str]] = [_TITLES]
    for listed in sorted(images, key=lambda each: (not each.names, [*map(str, each.names)])):
        image = listed.image
        content = sum(sizes.get(chain_id, 0) for chain_id in layers_of(connection, image.id))
        marks = [("L" if name.full in locked else "") for name in listed.names] or [""]
        first, *others = [*map(str, listed.names)] or ["<untagged>"]
        extra = ("U" if image.id in used else "") + marks[0]
        rows.append(
            (first, image.id.short, human_size(image.size, 3), human_size(content, 3), extra)
        )
        rows += _others(others, marks[1:])
    for line in table_lines(rows):
        context.out(line.rstrip())


def _others(names: list[str], marks: list[str]) -> "Iterator[Sequence[str]]":
    for number, (name, mark) in enumerate(zip(names, marks, strict=True), 1):
        yield (f"{'└─' if number == len(names) else '├─'} {name}", "", "", "", mark)
