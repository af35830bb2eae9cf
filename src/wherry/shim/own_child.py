"""Doing without a launcher: a child of the client's own does what one of the launcher's would.

    client                              child (`alone`)
      ├─ spawns it ───────────────────> loads what there is to do: most of the time that it takes
      │  loads itself, reads its flags  │
      └─ the request ─────────────────> carries it out, out of the client's control group

So whoever knows that there will be a request begins before it is known: `begin`.
"""

import _socket
import posix

from wherry.shim.client import is_launcher_wanted
from wherry.shim.spawning import spawn

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

PROGRAM = "wherry.engine.launch"  # what the child loads
DESCRIPTOR = 3  # the child's end of the connection

_REQUESTING = frozenset(("create", "exec", "run", "start"))  # commands
_begun: "list[OwnChild]" = []


class OwnChild:
    """A child that waits for one request."""

    def __init__(self) -> None:
        """Spawn it; raises OSError."""
        self.socket, theirs = _socket.socketpair(_socket.AF_UNIX, _socket.SOCK_STREAM)
        try:
            self._pid = spawn(
                f"from wherry.shim.alone import main; main({PROGRAM!r})",
                ["wherry-child"],
                [(posix.POSIX_SPAWN_DUP2, theirs.fileno(), DESCRIPTOR)],
            )
        except BaseException:
            self.socket.close()
            raise
        finally:
            theirs.close()

    def reap(self) -> None:
        """Wait for it, once it has taken its request or ended: who goes on is a child of its."""
        try:
            posix.waitpid(self._pid, 0)
        except ChildProcessError:  # in a program that ignores SIGCHLD
            return


def begin(words: "Sequence[str]") -> None:
    """Spawn the child now, if the command line that begins with `words` will need one.

    One that gets no request ends by itself.
    """
    if not is_launcher_wanted() and not _REQUESTING.isdisjoint(words):
        try:
            _begun.append(OwnChild())
        except OSError:
            return  # whoever needs it tries again, and says why it cannot


def own_child() -> OwnChild:
    """The child that was begun, or another; raises OSError."""
    return _begun.pop() if _begun else OwnChild()
