"""Noticing that somebody has taken our rules away, or brought rules of their own that need ours.

`nft flush ruleset` and a restart of firewalld or ufw cut off containers that run. Whoever stays
while there are some, the launcher, hears of it from the kernel and has the rules made again.
"""

from contextlib import suppress
from pathlib import Path

from wherry.errors import WherryError
from wherry.linux.nftables import Change, RulesetEvents
from wherry.network import firewall, firewalld, host_rules
from wherry.store.store import Store

_HOST_TABLES = frozenset({firewalld.TABLE, host_rules.TABLE})


class RulesetWatch:
    """Ready for reading when there is something to look at.

    What we do ourselves does not count: we remove no rules of the host's chains but our own, and
    those with a network. So two installations do not set each other off.
    """

    def __init__(self, root: Path, run: Path) -> None:
        self._folders = root, run
        self._table = firewall.table_of(Store(root, run))
        self._is_new = True  # and does not know what there was before
        self._events = RulesetEvents()

    def fileno(self) -> int:
        return self._events.fileno()

    def is_needed(self) -> bool:
        """Take note of what has come; whether the rules may have to be made again."""
        first, self._is_new = self._is_new, False
        try:
            changes = self._events.changes()
        except OSError:  # there was more than could be kept
            return True
        return (
            first
            or (Change.DELETED_TABLE, self._table) in changes
            or any(table in _HOST_TABLES for _, table in changes)
        )

    def take(self) -> None:
        """Make them again, if so."""
        with suppress(WherryError, OSError):  # who starts a container next is told
            firewall.restore(Store(*self._folders))
