"""wherry system launcher"""

from wherry.cli.containers.supervised import launcher_for
from wherry.cli.flags import FlagSet, Syntax
from wherry.errors import InvalidArgument
from wherry.shim.client import SupervisorGone

TYPE_CHECKING = False
if TYPE_CHECKING:
    from wherry.cli.context import Context

SYNTAX = Syntax(
    "stop",
    least=1,
    most=1,
    description=(
        "End the process that containers are forked from. Containers go on; the next command that\n"
        "needs it starts another."
    ),
)


class Flags(FlagSet):
    pass


def run(flags: Flags, context: "Context") -> None:
    if flags.operands != ["stop"]:
        raise InvalidArgument(f"unknown order for the launcher: {flags.operands[0]}")
    launcher = launcher_for(context)
    found = launcher.running()
    if found is None:
        return
    found.close()
    connection = launcher.request("quit", {})
    try:
        connection.answer("done")
    except SupervisorGone:  # it was ending already
        return
    finally:
        connection.close()
