"""Telling the launcher of a request to come, before this process has loaded what makes it.

Python takes longer to start than a warm process to plan an exec, and most machines have more than
one processor: while a client loads its modules, the child that will serve it gets ready. A knock
asks for nothing: one that nobody hears, or that no request follows, is no matter.
"""

import _socket

from wherry.store.places import root_path, run_path

# No request begins like this: its length would be beyond all bounds.
KNOCK = b"!"


def knock(run: str = "") -> None:
    """Knock at the launcher of a run folder, by default this user's."""
    try:
        sock = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM | _socket.SOCK_CLOEXEC)
        sock.setblocking(False)  # where many wait already, none gets ready sooner for a knock
        sock.connect(f"{run or run_path(root_path())}/launcher.sock")
        sock.send(KNOCK)
        sock.close()
    except OSError:
        return
