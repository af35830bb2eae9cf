"""wherry start"""

from wherry.cli.client_config import user_setting
from wherry.cli.containers.attach import attach_to, find_container
from wherry.cli.containers.streaming import Attached, Orders, Outcome, run_streams
from wherry.cli.containers.supervised import SupervisorLost, launcher_for
from wherry.cli.containers.terminal import check_terminal, window_size
from wherry.cli.flags import Boolean, FlagSet, String, Syntax
from wherry.errors import InvalidArgument, NotModified, WherryError
from wherry.shim.client import Launcher

TYPE_CHECKING = False
if TYPE_CHECKING:
    from wherry.cli.context import Context

SYNTAX = Syntax("[OPTIONS] CONTAINER [CONTAINER...]", least=1, most=None)
_NO_CHECKPOINTS = "containers cannot be checkpointed"


class Flags(FlagSet):
    attach = Boolean("a", "Attach STDOUT/STDERR and forward signals")
    checkpoint = String(
        "", "Restore from this checkpoint", hidden=True, unsupported=_NO_CHECKPOINTS
    )
    checkpoint_dir = String(
        "", "Use a custom checkpoint storage directory", hidden=True, unsupported=_NO_CHECKPOINTS
    )
    detach_keys = String("", "Override the key sequence for detaching a container")
    interactive = Boolean("i", "Attach container's STDIN")


def run(flags: Flags, context: "Context") -> None:
    launcher = launcher_for(context)
    if flags.attach or flags.interactive:
        if len(flags.operands) > 1:
            raise InvalidArgument("you cannot start and attach multiple containers at once")
        _start_attached(flags, context, launcher)
        return
    failed: list[str] = []
    for name in flags.operands:
        try:
            connection = launcher.request("start", {"name": name})
            try:
                connection.answer("started")
            finally:
                connection.close()
        except NotModified:
            context.out(name)
        except WherryError as error:
            context.fail(error)
            failed.append(name)
        else:
            context.out(name)
    if failed:
        context.err(f"wherry: failed to start containers: {', '.join(failed)}")
        context.status = 1


def _start_attached(flags: Flags, context: "Context", launcher: Launcher) -> None:
    name = flags.operands[0]
    keys = flags.detach_keys or user_setting(context, "detachKeys")
    found = find_container(launcher, name, keys)
    stdin = flags.interactive and bool(found["stdin"])
    if not check_terminal(stdin=stdin, tty=bool(found["tty"])):
        context.err("the input device is not a TTY")
        context.status = 1
        return
    if found["status"] == "running":
        outcome = attach_to(launcher, found, stdin=stdin, sig_proxy=not found["tty"])
    else:
        outcome = _start(launcher, found, keys, stdin)
    if outcome.detached:
        return
    if outcome.exit_code is None:
        raise SupervisorLost
    context.status = outcome.exit_code


def _start(
    launcher: Launcher, found: "dict[str, object]", detach_keys: str, stdin: bool
) -> Outcome:
    tty = bool(found["tty"])
    payload: dict[str, object] = {
        "name": found["id"],
        "attach": {"stdin": stdin, "stdout": True, "stderr": True},
        "detach_keys": detach_keys,
    }
    if tty:
        payload["size"] = window_size()
    orders = Orders()
    path = f"{launcher.run}/containers/{found['id']}/shim.sock"
    streams = Attached(launcher.request("start", payload), stdin=stdin)

    def take(message: "dict[str, object]") -> None:
        if "started" in message:
            orders.ready(path)

    streams.on_message = take
    return run_streams(streams, orders, tty=tty, stdin=stdin, sig_proxy=not tty)
