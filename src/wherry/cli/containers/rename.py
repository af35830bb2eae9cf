"""wherry rename"""

from wherry.cli.context import Context
from wherry.cli.flags import FlagSet, Syntax
from wherry.errors import InvalidArgument, WherryError

SYNTAX = Syntax("CONTAINER NEW_NAME", least=2, most=2)


class Flags(FlagSet):
    pass


def run(flags: Flags, context: Context) -> None:
    from wherry.engine.containers.rename import rename_container  # --help does without the engine

    old_name, new_name = (word.strip() for word in flags.operands)
    if not old_name or not new_name:
        raise InvalidArgument("Neither old nor new names may be empty")
    try:
        rename_container(context.engine, old_name, new_name)
    except WherryError as error:
        context.fail(error)
        context.err(f"wherry: failed to rename container named {old_name}")
