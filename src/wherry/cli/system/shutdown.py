"""wherry system shutdown"""

from wherry.cli.flags import FlagSet, Syntax

TYPE_CHECKING = False
if TYPE_CHECKING:
    from wherry.cli.context import Context

SYNTAX = Syntax(
    "",
    description=(
        "Stop all containers because the machine goes down: each gets its stop signal and its\n"
        'time. That is no stop by hand: "system restore" starts again what policy wants.'
    ),
)


class Flags(FlagSet):
    pass


def run(_flags: Flags, context: "Context") -> None:
    from wherry.engine.system.shutdown import shut_down_containers  # the engine, after the help

    for container in shut_down_containers(context.engine):
        context.out(container.name)
