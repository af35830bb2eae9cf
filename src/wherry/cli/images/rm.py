"""wherry rmi"""

from wherry.cli.context import Context
from wherry.cli.flags import Boolean, FlagSet, String, Syntax
from wherry.errors import NotFound, WherryError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from wherry.engine.images.remove import Removal

SYNTAX = Syntax("[OPTIONS] IMAGE [IMAGE...]", least=1, most=None)


class Flags(FlagSet):
    force = Boolean("f", "Force removal of the image")
    no_prune = Boolean("", "Do not delete untagged parents")
    platform = String(
        "", 'Remove only the given platform variant. Formatted as "os[/arch[/variant]]"'
    )


def run(flags: Flags, context: Context) -> None:
    from wherry.engine.images.remove import remove_image  # --help does without the engine
    from wherry.oci.platform import Platform

    platform = Platform.parse(flags.platform) if flags.platform else None
    failures: list[WherryError] = []
    for name in flags.operands:
        try:
            removals = remove_image(
                context.engine,
                name,
                force=flags.force,
                prune=not flags.no_prune,
                platform=platform,
            )
        except WherryError as error:
            failures.append(error)  # and go on: the other names were asked for too
            continue
        for removal in removals:
            context.out(removal_text(removal))
    before = context.status
    for failure in failures:
        context.fail(failure)
    if flags.force and all(isinstance(failure, NotFound) for failure in failures):
        context.status = before  # with --force it is enough that they are not there


def removal_text(removal: "Removal") -> str:
    """What happened, as `rmi` prints it."""
    if removal.untagged is not None:
        return f"Untagged: {removal.untagged}"
    return f"Deleted: {removal.deleted}"
