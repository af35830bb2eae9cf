"""wherry rm"""

from wherry.cli.context import Context
from wherry.cli.flags import Boolean, FlagSet, Syntax
from wherry.errors import NotFound, WherryError

SYNTAX = Syntax("[OPTIONS] CONTAINER [CONTAINER...]", least=1, most=None)


class Flags(FlagSet):
    force = Boolean("f", "Force the removal of a running container (uses SIGKILL)")
    link = Boolean("l", "Remove the specified link", unsupported="links are not names here")
    volumes = Boolean("v", "Remove anonymous volumes associated with the container")


def run(flags: Flags, context: Context) -> None:
    # --help does without the engine
    from wherry.engine.containers.remove import remove_container

    for name in flags.operands:
        status = context.status
        try:
            remove_container(context.engine, name, force=flags.force, volumes=flags.volumes)
        except NotFound as error:
            context.fail(error)
            if flags.force:  # it is gone, which is what was wanted
                context.status = status
        except WherryError as error:
            context.fail(error)  # and go on: the other names were asked for too
        else:
            context.out(name)
