"""wherry attach"""

from wherry.cli.client_config import user_setting
from wherry.cli.containers.streaming import Attached, Orders, Outcome, run_streams
from wherry.cli.containers.supervised import SupervisorLost, launcher_for
from wherry.cli.containers.terminal import check_terminal, window_size
from wherry.cli.flags import Boolean, FlagSet, String, Syntax
from wherry.errors import Unavailable
from wherry.shim.client import Launcher, request_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from wherry.cli.context import Context

SYNTAX = Syntax("[OPTIONS] CONTAINER", least=1, most=1)
_REMEDIES = {"paused": "unpause it first", "restarting": "wait until it is running"}


class Flags(FlagSet):
    detach_keys = String("", "Override the key sequence for detaching a container")
    no_stdin = Boolean("", "Do not attach STDIN")
    sig_proxy = Boolean("", "Proxy all received signals to the process", default=True)


def run(flags: Flags, context: "Context") -> None:
    launcher = launcher_for(context)
    name = flags.operands[0]
    found = find_container(launcher, name, flags.detach_keys or user_setting(context, "detachKeys"))
    status = str(found["status"])
    if status != "running":
        kind, remedy = (status, _REMEDIES[status]) if status in _REMEDIES else ("stopped", "")
        context.err(f"You cannot attach to a {kind} container, {remedy or 'start it first'}")
        context.status = 1
        return
    stdin = not flags.no_stdin and bool(found["stdin"])
    if not check_terminal(stdin=stdin, tty=bool(found["tty"])):
        context.err("the input device is not a TTY")
        context.status = 1
        return
    # As Docker: `run` passes signals on with a terminal as well, `attach` and `start` do not.
    proxy = flags.sig_proxy and not found["tty"]
    outcome = attach_to(launcher, found, stdin=stdin, sig_proxy=proxy)
    if outcome.detached:
        context.err("read escape sequence")
        context.status = 1
    elif outcome.exit_code is None:
        raise SupervisorLost
    else:
        context.status = outcome.exit_code


def find_container(launcher: Launcher, name: str, detach_keys: str) -> "dict[str, object]":
    """What must be known to attach to the container called `name`."""
    connection = launcher.request("find", {"name": name, "detach_keys": detach_keys})
    found = connection.answer("found")
    connection.close()
    assert isinstance(found, dict)
    return found


def attach_to(
    launcher: Launcher, found: "dict[str, object]", *, stdin: bool, sig_proxy: bool
) -> Outcome:
    """Be attached to a running container until it ends or the keys detach."""
    path = f"{launcher.run}/containers/{found['id']}/shim.sock"
    tty = bool(found["tty"])
    rows, columns = window_size() if tty else (0, 0)
    payload = {"stdin": stdin, "keys": found["keys"], "height": rows, "width": columns}
    try:
        connection = request_of(path, "attach", payload)
    except OSError:
        raise Unavailable("You cannot attach to a stopped container, start it first") from None
    orders = Orders()
    orders.ready(path)
    streams = Attached(connection, stdin=stdin)
    return run_streams(streams, orders, tty=tty, stdin=stdin, sig_proxy=sig_proxy)
