"""wherry tag"""

from wherry.cli.context import Context
from wherry.cli.flags import Boolean, FlagSet, Syntax
from wherry.errors import InvalidArgument

SYNTAX = Syntax(
    "SOURCE_IMAGE[:TAG] TARGET_IMAGE[:TAG]",
    least=1,
    most=2,
    description=(
        "Create a tag TARGET_IMAGE that refers to SOURCE_IMAGE.\n\n"
        "`tag --lock IMAGE[:TAG]` lets a tag stay where it is, whatever is loaded, imported,\n"
        "tagged or removed, until `tag --unlock`. `tag log IMAGE[:TAG]` tells what a tag has\n"
        "pointed at, and when."
    ),
)


class Flags(FlagSet):
    lock = Boolean("", "Refuse to move or remove the tag from now on")
    unlock = Boolean("", "Let the tag move again")


def run(flags: Flags, context: Context) -> None:
    from wherry.engine.images.tag import lock_tag, tag_image  # --help does without the engine

    if flags.lock or flags.unlock:
        if flags.lock and flags.unlock:
            raise InvalidArgument("--lock and --unlock exclude each other")
        for name in flags.operands:
            context.out(str(lock_tag(context.engine, name, locked=flags.lock)))
        return
    if len(flags.operands) < 2:
        raise InvalidArgument(
            f"'wherry tag' requires 2 arguments\n\nUsage:  wherry tag {SYNTAX.usage}\n\n"
            "Run 'wherry tag --help' for more information"
        )
    tag_image(context.engine, *flags.operands)
