"""wherry manifest annotate"""

from wherry.cli.context import Context
from wherry.cli.flags import FlagSet, String, Strings, Syntax

SYNTAX = Syntax("[OPTIONS] MANIFEST_LIST MANIFEST", least=2, most=2)


class Flags(FlagSet):
    arch = String("", "Set architecture")
    os = String("", "Set operating system")
    os_features = Strings("", "Set operating system feature")
    os_version = String("", "Set operating system version")
    variant = String("", "Set architecture variant")


def run(flags: Flags, _context: Context) -> None:
    from wherry.engine.manifests.create import annotate_manifest  # HTTP and TLS

    name, image = flags.operands
    annotate_manifest(
        name,
        image,
        system=flags.os,
        architecture=flags.arch,
        variant=flags.variant,
        os_version=flags.os_version,
        os_features=tuple(word for text in flags.os_features for word in text.split(",")),
    )
