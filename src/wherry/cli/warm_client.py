"""Commands that a fork of the launcher carries out, which has loaded already what they need.

    client                             fork of the launcher (warm_command)
    words, environment, folder,  ───>  the same command, on the client's own descriptors
    descriptors 0, 1 and 2
    exit status                  <───

Docker's client has a daemon that holds everything in memory; `wherry ps` would import for longer
than all of `docker ps` takes. With no launcher there the command runs in this process.

Imported by each of these commands: nothing but C modules here.
"""

import _signal as signal  # type: ignore[import-not-found]  # signal itself loads enum
import posix  # os would take a millisecond, see `wherry.environment`

from wherry.environment import variables
from wherry.errors import Unavailable
from wherry.shim.client import Connection, Launcher
from wherry.store.places import root_path, run_path

TYPE_CHECKING = False
if TYPE_CHECKING:
    from wherry.cli.context import Context


class CommandLost(Unavailable):
    def __init__(self) -> None:
        super().__init__("the process that carried out the command has ended")


def run_in_launcher(words: list[str], context: "Context", *, only_cached: bool = False) -> bool:
    """Have `words` carried out; False when nothing was done, as when no launcher is there.

    A build that is to be `only_cached` may be declined.
    """
    root = root_path(context.root)
    try:
        folder = posix.open(".", posix.O_PATH | posix.O_CLOEXEC)
    except OSError:  # it was removed
        return False
    mask = posix.umask(0o077)
    posix.umask(mask)
    payload = {
        "words": words,
        "environ": variables(),
        "umask": mask,
        "only_cached": only_cached,
    }
    try:
        connection = Launcher(root, run_path(root, context.run)).request_if_running(
            "command", payload, (0, 1, 2, folder)
        )
    finally:
        posix.close(folder)
    if connection is None:
        return False
    try:
        return _is_done(connection, context, may_decline=only_cached)
    finally:
        connection.close()


def _is_done(connection: Connection, context: "Context", *, may_decline: bool) -> bool:
    """Wait for the command's end; False when it was declined, and nothing done."""
    begun = not may_decline
    try:
        for message in connection.controls():
            if message.get("declined"):
                return False
            begun = True
            if message.get("broken_pipe"):
                signal.signal(signal.SIGPIPE, signal.SIG_DFL)
                posix.kill(posix.getpid(), signal.SIGPIPE)
            if "status" in message:
                context.status = int(str(message["status"]))
                return True
    except OSError:
        pass
    if begun:  # it must not be done a second time
        raise CommandLost
    return False
