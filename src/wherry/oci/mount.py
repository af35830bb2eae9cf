"""A mount to perform, as a value: what the store prepares and the shim and runtime carry out."""

from wherry.values import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Mount:
    """One call of mount(8), in its words; an empty `target` is chosen by whoever mounts it.

    `options` are fstab's: flags such as `ro` or `nosuid` and the filesystem's own data alike.
    """

    type: str
    source: str
    target: str = ""
    options: tuple[str, ...] = ()
