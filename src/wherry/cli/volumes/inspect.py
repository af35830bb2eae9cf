"""wherry volume inspect"""

from wherry.cli.context import Context
from wherry.cli.flags import FlagSet, String, Syntax
from wherry.cli.inspection import FORMAT_HELP, print_documents

SYNTAX = Syntax("[OPTIONS] VOLUME [VOLUME...]", least=1, most=None)


class Flags(FlagSet):
    format = String("f", FORMAT_HELP)


def run(flags: Flags, context: Context) -> None:
    from wherry.engine.documents.volume import volume_document  # --help does without the engine
    from wherry.store.volumes import get_volume

    store = context.engine.store
    print_documents(
        context,
        flags.operands,
        lambda name: volume_document(store, get_volume(store, name)),
        flags.format,
        type_name="volume.Volume",
    )
