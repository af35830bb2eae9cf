"""wherry inspect"""

from wherry.cli.context import Context
from wherry.cli.flags import Boolean, FlagSet, String, Syntax
from wherry.cli.inspection import FORMAT_HELP, print_documents
from wherry.errors import InvalidArgument, NotFound
from wherry.go_text import quoted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

SYNTAX = Syntax("[OPTIONS] NAME|ID [NAME|ID...]", least=1, most=None)
KINDS = ("container", "image", "network", "volume")


class Flags(FlagSet):
    format = String("f", FORMAT_HELP)
    size = Boolean("s", "Display total file sizes if the type is container")
    type = String("", "Only inspect objects of the given type")


class NoSuchObject(NotFound):
    def __init__(self, name: str) -> None:
        super().__init__(f"no such object: {name}")


def run(flags: Flags, context: Context) -> None:
    if flags.given("type") and flags.type not in KINDS:
        problem = f"unknown type: {quoted(flags.type)}" if flags.type else "type is empty"
        raise InvalidArgument(f"{problem}: must be one of {', '.join(map(quoted, KINDS))}")
    finders = _finders(context, flags.size)

    def find(name: str) -> dict[str, object]:
        for kind in (flags.type,) if flags.type else KINDS:
            try:
                document = finders[kind](name)
            except NotFound:
                if flags.type:
                    raise
                continue
            if flags.size and kind != "container":
                context.err(f"WARNING: --size ignored for {kind}")
            return document
        raise NoSuchObject(name)

    print_documents(context, flags.operands, find, flags.format)


def _finders(context: Context, size: bool) -> "dict[str, Callable[[str], dict[str, object]]]":
    # --help does without the engine
    from wherry.engine.containers.inspect import inspect_container
    from wherry.engine.documents.volume import volume_document
    from wherry.engine.images.inspect import inspect_image
    from wherry.engine.networks.inspect import inspect_network
    from wherry.store.volumes import get_volume

    engine = context.engine
    return {
        "container": lambda name: inspect_container(engine, name, size=size),
        "image": lambda name: inspect_image(engine, name),
        "network": lambda name: inspect_network(engine, name),
        "volume": lambda name: volume_document(engine.store, get_volume(engine.store, name)),
    }
