"""wherry volume create"""

from wherry.cli.context import Context
from wherry.cli.flags import FlagSet, Mapping, String, Strings, Syntax
from wherry.oci.labels import checked_label

SYNTAX = Syntax("[OPTIONS] [VOLUME]", least=0, most=1)


class Flags(FlagSet):
    driver = String("d", "Specify volume driver name", default="local")
    label = Strings("", "Set metadata for a volume", check=checked_label)
    opt = Mapping("o", "Set driver specific options")


def run(flags: Flags, context: Context) -> None:
    from wherry.engine.volumes.create import create_volume  # --help does without the engine

    labels = dict(text.partition("=")[::2] for text in flags.label)
    name = flags.operands[0] if flags.operands else ""
    volume = create_volume(
        context.engine, name, driver=flags.driver, options=flags.opt, labels=labels
    )
    context.out(volume.name)
