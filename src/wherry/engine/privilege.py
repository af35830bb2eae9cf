"""What only root may do so far."""

import os

from wherry.errors import PermissionDenied


class NeedsRoot(PermissionDenied):
    def __init__(self, things: str) -> None:
        super().__init__(
            f"{things} need root: making them as an ordinary user is not supported yet",
            hint="repeat the command with sudo",
        )


def check_root(things: str) -> None:
    """Refuse an ordinary user, before anything is made, what would fail half-way."""
    if os.geteuid() != 0:
        raise NeedsRoot(things)
