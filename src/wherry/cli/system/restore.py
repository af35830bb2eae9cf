"""wherry system restore"""

from wherry.cli.flags import FlagSet, Syntax

TYPE_CHECKING = False
if TYPE_CHECKING:
    from wherry.cli.context import Context

SYNTAX = Syntax(
    "",
    description=(
        "Start what ran before the machine went down, by policy: containers with\n"
        "--restart=always, and those with --restart=unless-stopped that nobody had stopped."
    ),
)


class Flags(FlagSet):
    pass


def run(_flags: Flags, context: "Context") -> None:
    from wherry.engine.system.restore import restore_containers  # the engine, after the help

    started, failed = restore_containers(context.engine)
    for container in started:
        context.out(container.name)
    for container, error in failed:
        error.add_note(f"container {container.name} was not started")
        context.fail(error)
