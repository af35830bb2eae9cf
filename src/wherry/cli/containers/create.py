"""wherry create

Docker's exit codes: 125 and a word on the help for flags that cannot be meant, 1 for what the
engine refuses.
"""

from wherry.cli.containers.create_flags import CreateFlags
from wherry.cli.containers.creation import (
    CIDFile,
    CIDFileRefused,
    complain,
    creation_request,
    warn,
    with_image,
    write_output,
)
from wherry.cli.containers.supervised import SupervisorLost, launcher_for
from wherry.cli.flags import Syntax
from wherry.errors import WherryError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from wherry.cli.context import Context

SYNTAX = Syntax("[OPTIONS] IMAGE [COMMAND] [ARG...]", least=1, most=None, interspersed=False)
_MISUSE = 125


Flags = CreateFlags


def run(flags: CreateFlags, context: "Context") -> None:
    launcher = launcher_for(context)
    understood = False

    def make(pull: str) -> None:
        nonlocal understood
        connection = launcher.request("create", creation_request(flags, pull))
        for message in connection.controls(write_output):
            understood = True
            warn(context, message)
            if "id" in message:
                cidfile.write(str(message["id"]))
                context.out(str(message["id"]))
                return
        raise SupervisorLost

    def pulling() -> None:
        nonlocal understood
        understood = True

    try:
        cidfile = CIDFile(flags.cidfile)
        try:
            with_image(flags, context, make, pulling)
        finally:
            cidfile.close()
    except CIDFileRefused as error:
        context.fail(error)
    except WherryError as error:
        if understood:
            context.fail(error)
            return
        context.failure = _MISUSE
        complain(context, error, "create", SYNTAX)
