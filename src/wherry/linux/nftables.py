"""The packet filter: commands through libnftables(3), the ruleset's generation by nfnetlink.

One call of `run` is one transaction: the kernel takes all of it or nothing. Every transaction of
anybody in the namespace raises the generation by one, so a process that remembers it knows
without listing anything whether the ruleset is as it left it.
"""

import ctypes
import errno
import struct
from ctypes import c_bool, c_char_p, c_int, c_uint, c_void_p
from enum import IntEnum, IntFlag

from wherry.linux.netlink import Message, NetlinkSocket, attributes
from wherry.typed import Any

_NETLINK_NETFILTER = 12
_NFNL_SUBSYS_NFTABLES = 10
_NFNLGRP_NFTABLES = 7
_NFT_MSG_GETGEN = 16
_NFTA_TABLE = 1  # NFTA_TABLE_NAME, NFTA_CHAIN_TABLE, NFTA_RULE_TABLE
_NFTA_GEN_ID = 1
_NFGENMSG = struct.pack("!BBH", 0, 0, 0)  # family, version, resource


class OutputFlag(IntFlag):
    """NFT_CTX_OUTPUT_*, libnftables(3)."""

    HANDLE = 1 << 3
    TERSE = 1 << 11


class NftablesMissing(OSError):
    """libnftables is not installed."""

    def __init__(self) -> None:
        super().__init__(errno.ENOENT, "the library cannot be loaded", "libnftables.so.1")


class NftablesError(OSError):
    """A transaction that was refused. `report` is what libnftables says, several lines."""

    def __init__(self, commands: str, report: str) -> None:
        sentence = report.splitlines()[0] if report else "the transaction was refused"
        super().__init__(errno.EINVAL, sentence, "nftables")
        self.commands = commands
        self.report = report


class _Library:
    """libnftables with its prototypes; loaded by the first command, not by the import."""

    def __init__(self) -> None:
        try:
            library = ctypes.CDLL("libnftables.so.1")
        except OSError as error:
            raise NftablesMissing from error
        self.new = self._declare(library, "nft_ctx_new", c_void_p, c_uint)
        self.free = self._declare(library, "nft_ctx_free", None, c_void_p)
        self.set_flags = self._declare(library, "nft_ctx_output_set_flags", None, c_void_p, c_uint)
        self.buffer_output = self._declare(library, "nft_ctx_buffer_output", c_int, c_void_p)
        self.buffer_error = self._declare(library, "nft_ctx_buffer_error", c_int, c_void_p)
        self.output = self._declare(library, "nft_ctx_get_output_buffer", c_char_p, c_void_p)
        self.error = self._declare(library, "nft_ctx_get_error_buffer", c_char_p, c_void_p)
        self.set_dry_run = self._declare(library, "nft_ctx_set_dry_run", None, c_void_p, c_bool)
        self.run = self._declare(library, "nft_run_cmd_from_buffer", c_int, c_void_p, c_char_p)

    @staticmethod
    def _declare(library: ctypes.CDLL, name: str, result: Any, *arguments: Any) -> Any:
        function = getattr(library, name)
        function.restype = result
        function.argtypes = arguments
        return function


_library: _Library | None = None


def load() -> None:
    """Load libnftables now, so that a fork has it; NftablesMissing where there is none."""
    global _library
    if _library is None:
        _library = _Library()


def run(commands: str, flags: OutputFlag | None = None) -> str:
    """Carry out `commands`, in the language of nft(8), as one transaction; what they print.

    Raises NftablesError when refused: nothing has changed then.
    """
    load()
    assert _library is not None
    # It has a socket of this namespace and a cache of the ruleset: neither may outlive the call.
    context = _library.new(0)
    try:
        _library.buffer_output(context)
        _library.buffer_error(context)
        _library.set_flags(context, flags or 0)
        if _library.run(context, commands.encode()) != 0:
            raise NftablesError(commands, (_library.error(context) or b"").decode())
        return (_library.output(context) or b"").decode()
    finally:
        _library.free(context)


def generation() -> int:
    """How many transactions the ruleset of this namespace has seen, modulo 2**32."""
    request = Message(
        _NFNL_SUBSYS_NFTABLES << 8 | _NFT_MSG_GETGEN, 0, _NFGENMSG, "generation of the ruleset"
    )
    with NetlinkSocket(_NETLINK_NETFILTER) as netfilter:
        (body,) = netfilter.request(request)
    return int.from_bytes(attributes(body, len(_NFGENMSG))[_NFTA_GEN_ID], "big")


class Change(IntEnum):
    """NFT_MSG_*: what has been done to a table, or to something in it."""

    NEW_TABLE = 0
    DELETED_TABLE = 2
    NEW_CHAIN = 3
    DELETED_CHAIN = 5
    DELETED_RULE = 8


class RulesetEvents(NetlinkSocket):
    """Ready for reading when anybody has done something to the ruleset of this namespace."""

    def __init__(self) -> None:
        super().__init__(_NETLINK_NETFILTER)
        self.join_group(_NFNLGRP_NFTABLES)

    def changes(self) -> set[tuple[Change, str]]:
        """What was done since it was last asked, each with the name of the table.

        Raises OSError when there was more than could be kept.
        """
        found = set()
        for kind, body in self.arrived():
            if kind >> 8 == _NFNL_SUBSYS_NFTABLES and kind & 0xFF in _CHANGES:
                name = attributes(body, len(_NFGENMSG))[_NFTA_TABLE]
                found.add((Change(kind & 0xFF), name.rstrip(b"\0").decode(errors="replace")))
        return found


_CHANGES = frozenset(Change)
