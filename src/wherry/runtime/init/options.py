"""The options of a mount, in the words of mount(8) and the OCI runtime specification, as values.

https://github.com/opencontainers/runtime-spec/blob/v1.2.0/config.md#linux-mount-options
"""

from functools import lru_cache

from wherry.linux.mount import MountFlag
from wherry.linux.mount_tree import Attribute
from wherry.values import dataclass

# name: (what mount_setattr adds, what it clears). Each also exists with an `r`: recursively.
_ATTRIBUTES: dict[str, tuple[int, int]] = {
    "ro": (Attribute.RDONLY, 0),
    "rw": (0, Attribute.RDONLY),
    "nosuid": (Attribute.NOSUID, 0),
    "suid": (0, Attribute.NOSUID),
    "nodev": (Attribute.NODEV, 0),
    "dev": (0, Attribute.NODEV),
    "noexec": (Attribute.NOEXEC, 0),
    "exec": (0, Attribute.NOEXEC),
    "nodiratime": (Attribute.NODIRATIME, 0),
    "diratime": (0, Attribute.NODIRATIME),
    # The access time is one field: choosing a value clears the others, see mount_setattr(2).
    "noatime": (Attribute.NOATIME, Attribute.ATIME_FIELD),
    "atime": (0, Attribute.ATIME_FIELD),
    "relatime": (0, Attribute.ATIME_FIELD),
    "norelatime": (0, Attribute.ATIME_FIELD),
    "strictatime": (Attribute.STRICTATIME, Attribute.ATIME_FIELD),
    "nostrictatime": (0, Attribute.ATIME_FIELD),
    "nosymfollow": (Attribute.NOSYMFOLLOW, 0),
    "symfollow": (0, Attribute.NOSYMFOLLOW),
}
# The same for a new filesystem: flags of mount(2) set and cleared.
_FLAGS: dict[str, tuple[int, int]] = {
    "ro": (MountFlag.RDONLY, 0),
    "rw": (0, MountFlag.RDONLY),
    "nosuid": (MountFlag.NOSUID, 0),
    "suid": (0, MountFlag.NOSUID),
    "nodev": (MountFlag.NODEV, 0),
    "dev": (0, MountFlag.NODEV),
    "noexec": (MountFlag.NOEXEC, 0),
    "exec": (0, MountFlag.NOEXEC),
    "nodiratime": (MountFlag.NODIRATIME, 0),
    "diratime": (0, MountFlag.NODIRATIME),
    "noatime": (MountFlag.NOATIME, 0),
    "atime": (0, MountFlag.NOATIME),
    "relatime": (MountFlag.RELATIME, 0),
    "norelatime": (0, MountFlag.RELATIME),
    "strictatime": (MountFlag.STRICTATIME, 0),
    "nostrictatime": (0, MountFlag.STRICTATIME),
    "nosymfollow": (MountFlag.NOSYMFOLLOW, 0),
    "symfollow": (0, MountFlag.NOSYMFOLLOW),
    "sync": (MountFlag.SYNCHRONOUS, 0),
    "async": (0, MountFlag.SYNCHRONOUS),
    "dirsync": (MountFlag.DIRSYNC, 0),
    "mand": (MountFlag.MANDLOCK, 0),
    "nomand": (0, MountFlag.MANDLOCK),
    "lazytime": (MountFlag.LAZYTIME, 0),
    "nolazytime": (0, MountFlag.LAZYTIME),
    "iversion": (MountFlag.IVERSION, 0),
    "noiversion": (0, MountFlag.IVERSION),
    "silent": (MountFlag.SILENT, 0),
    "loud": (0, MountFlag.SILENT),
    "defaults": (0, 0),
}
_PROPAGATION: dict[str, int] = {
    name: kind | recursion
    for recursion, prefix in ((0, ""), (MountFlag.REC, "r"))
    for name, kind in (
        (f"{prefix}private", MountFlag.PRIVATE),
        (f"{prefix}slave", MountFlag.SLAVE),
        (f"{prefix}shared", MountFlag.SHARED),
        (f"{prefix}unbindable", MountFlag.UNBINDABLE),
    )
}
_WORDS = frozenset(("bind", "rbind", "remount", "tmpcopyup", "idmap", "ridmap"))
KNOWN = sorted(
    {
        *_FLAGS,
        *_PROPAGATION,
        *(f"r{name}" for name in _ATTRIBUTES),
        *_WORDS,
    }
)


@dataclass(frozen=True, kw_only=True, slots=True)
class MountOptions:
    bind: bool = False
    recursive: bool = False  # rbind
    flags: int = 0  # of mount(2), for a new filesystem
    add: int = 0  # of mount_setattr(2), for a bind
    clear: int = 0
    recursive_add: int = 0
    recursive_clear: int = 0
    propagation: tuple[int, ...] = ()
    copy_up: bool = False  # fill the new tmpfs with what it hides
    idmap: bool = False
    idmap_recursive: bool = False
    remount: bool = False  # change what is mounted there
    data: str = ""  # what is left, for the filesystem

    @property
    def shared(self) -> bool:
        return any(flags & MountFlag.SHARED for flags in self.propagation)


@lru_cache(maxsize=256)
def parse_options(options: tuple[str, ...]) -> MountOptions:
    """Sort `options` by who takes them."""
    flags = add = clear = recursive_add = recursive_clear = 0
    propagation: list[int] = []
    data: list[str] = []
    named = set()
    for option in options:
        if option in _FLAGS:
            turn_on, turn_off = _FLAGS[option]
            flags = flags & ~turn_off | turn_on
            turn_on, turn_off = _ATTRIBUTES.get(option, (0, 0))
            add, clear = add & ~turn_off | turn_on, clear & ~turn_on | turn_off
        elif option in _PROPAGATION:
            propagation.append(int(_PROPAGATION[option]))
        elif option[1:] in _ATTRIBUTES and option.startswith("r"):
            turn_on, turn_off = _ATTRIBUTES[option[1:]]
            recursive_add = recursive_add & ~turn_off | turn_on
            recursive_clear = recursive_clear & ~turn_on | turn_off
        elif option in _WORDS:
            named.add(option)
        else:
            data.append(option)
    return MountOptions(
        bind="bind" in named or "rbind" in named,
        recursive="rbind" in named,
        flags=flags,
        add=add,
        clear=clear,
        recursive_add=recursive_add,
        recursive_clear=recursive_clear,
        propagation=tuple(propagation),
        copy_up="tmpcopyup" in named,
        idmap="idmap" in named or "ridmap" in named,
        idmap_recursive="ridmap" in named,
        remount="remount" in named,
        data=",".join(data),
    )


def is_propagation(name: str) -> bool:
    return name in _PROPAGATION


def propagation_flags(name: str) -> int:
    """The flags of mount(2) for `name` (`rslave`, `shared`, ...); KeyError for an unknown one."""
    return _PROPAGATION[name]
