"""Where an installation's two folders are, for programs that start too fast to load the store."""

import posix  # os would take a millisecond, see `wherry.environment`

from wherry.environment import absolute, encoded, in_home, variable


def root_path(chosen: str | None = None) -> str:
    """Where things are kept: as chosen, WHERRY_ROOT, /var/lib/wherry, or the user's data folder."""
    chosen = chosen or variable("WHERRY_ROOT")
    if chosen:
        return absolute(chosen)
    return _default_root()


def run_path(root: str, chosen: str | None = None) -> str:
    """Where things of this boot are kept: as chosen, WHERRY_RUN, or the user's runtime folder.

    A root that is not the default one has a run folder of its own, named by its path.
    """
    chosen = chosen or variable("WHERRY_RUN")
    if chosen:
        return absolute(chosen)
    uid = posix.geteuid()
    base = variable("XDG_RUNTIME_DIR") or f"/tmp/wherry-{uid}"
    base = "/run/wherry" if uid == 0 else f"{base}/wherry"
    if root == _default_root():
        return base
    from zlib import crc32  # nothing for those who keep to the default

    return f"{base}/roots/{crc32(encoded(root)):08x}"


def _default_root() -> str:
    if posix.geteuid() == 0:
        return "/var/lib/wherry"
    data = variable("XDG_DATA_HOME") or in_home(".local/share")
    return f"{data}/wherry"
