"""Capabilities of this process, capabilities(7), as sets of numbers in one integer."""

from collections.abc import Iterable
from ctypes import c_char, c_void_p
from functools import cache
from struct import Struct

from wherry.linux.libc import declare, last_error
from wherry.linux.process import PrctlOption, prctl
from wherry.values import dataclass

_capget = declare("capget", c_void_p, c_void_p)
_capset = declare("capset", c_void_p, c_void_p)

_VERSION_3 = 0x20080522
_HEADER = Struct("=Ii")
_DATA = Struct("=6I")  # two times effective, permitted, inheritable: low and high words
_Data = c_char * _DATA.size

NAMES = (
    *("CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_DAC_READ_SEARCH", "CAP_FOWNER", "CAP_FSETID"),
    *("CAP_KILL", "CAP_SETGID", "CAP_SETUID", "CAP_SETPCAP", "CAP_LINUX_IMMUTABLE"),
    *("CAP_NET_BIND_SERVICE", "CAP_NET_BROADCAST", "CAP_NET_ADMIN", "CAP_NET_RAW"),
    *("CAP_IPC_LOCK", "CAP_IPC_OWNER", "CAP_SYS_MODULE", "CAP_SYS_RAWIO", "CAP_SYS_CHROOT"),
    *("CAP_SYS_PTRACE", "CAP_SYS_PACCT", "CAP_SYS_ADMIN", "CAP_SYS_BOOT", "CAP_SYS_NICE"),
    *("CAP_SYS_RESOURCE", "CAP_SYS_TIME", "CAP_SYS_TTY_CONFIG", "CAP_MKNOD", "CAP_LEASE"),
    *("CAP_AUDIT_WRITE", "CAP_AUDIT_CONTROL", "CAP_SETFCAP", "CAP_MAC_OVERRIDE"),
    *("CAP_MAC_ADMIN", "CAP_SYSLOG", "CAP_WAKE_ALARM", "CAP_BLOCK_SUSPEND", "CAP_AUDIT_READ"),
    *("CAP_PERFMON", "CAP_BPF", "CAP_CHECKPOINT_RESTORE"),
)
_BITS = {name: 1 << number for number, name in enumerate(NAMES)}

SYS_ADMIN = _BITS["CAP_SYS_ADMIN"]
SETUID = _BITS["CAP_SETUID"]


@dataclass(frozen=True, slots=True)
class CapabilitySets:
    """The three sets of a thread."""

    effective: int
    permitted: int
    inheritable: int


def bits_of(names: Iterable[str]) -> int:
    """The set of `names`; an unknown one is a KeyError."""
    bits = 0
    for name in names:
        bits |= _BITS[name]
    return bits


def names_in(bits: int) -> list[str]:
    """The names of a set, in the kernel's order."""
    return [name for name, bit in _BITS.items() if bits & bit]


@cache
def last_capability() -> int:
    """The number of the last capability that the running kernel knows.

    Asked of the kernel itself: a container's root need not have a /proc.
    """
    known, unknown = 0, 64
    while unknown - known > 1:
        number = (known + unknown) // 2
        try:
            prctl(PrctlOption.CAPBSET_READ, number)
        except OSError:
            unknown = number
        else:
            known = number
    return known


def current() -> CapabilitySets:
    """The sets of this process."""
    data = _Data()
    if _capget(_HEADER.pack(_VERSION_3, 0), data) != 0:
        raise last_error()
    words = _DATA.unpack(data)
    return CapabilitySets(*(words[i] | words[i + 3] << 32 for i in range(3)))


def replace(sets: CapabilitySets) -> None:
    """Make `sets` those of this process."""
    values = (sets.effective, sets.permitted, sets.inheritable)
    low = (value & 0xFFFFFFFF for value in values)
    high = (value >> 32 for value in values)
    if _capset(_HEADER.pack(_VERSION_3, 0), _DATA.pack(*low, *high)) != 0:
        raise last_error()


def bounding() -> int:
    """The bounding set of this process."""
    return sum(
        1 << number
        for number in range(last_capability() + 1)
        if prctl(PrctlOption.CAPBSET_READ, number)
    )


def limit_bounding(keep: int) -> None:
    """Drop from the bounding set all that is not in `keep`; needs CAP_SETPCAP."""
    for number in range(last_capability() + 1):
        if not keep >> number & 1:
            prctl(PrctlOption.CAPBSET_DROP, number)


def replace_ambient(bits: int) -> None:
    """Make `bits` the ambient set; each must be permitted and inheritable."""
    prctl(PrctlOption.CAP_AMBIENT, 4)  # PR_CAP_AMBIENT_CLEAR_ALL
    for number in range(last_capability() + 1):
        if bits >> number & 1:
            prctl(PrctlOption.CAP_AMBIENT, 2, number)  # PR_CAP_AMBIENT_RAISE
