"""Where an installation's two folders are, for programs that start too fast to load the store."""

import os


def root_path(chosen: str | None = None) -> str:
    """Where things are kept: as chosen, WHERRY_ROOT, /var/lib/wherry, or the user's data folder."""
    chosen = chosen or os.environ.get("WHERRY_ROOT")
    if chosen:
        return os.path.abspath(chosen)
    return _default_root()


def run_path(root: str, chosen: str | None = None) -> str:
    """Where things of this boot are kept: as chosen, WHERRY_RUN, or the user's runtime folder.

    A root that is not the default one has a run folder of its own, named by its path.
    """
    chosen = chosen or os.environ.get("WHERRY_RUN")
    if chosen:
        return os.path.abspath(chosen)
    uid = os.geteuid()
    base = os.environ.get("XDG_RUNTIME_DIR") or f"/tmp/wherry-{uid}"
    base = "/run/wherry" if uid == 0 else f"{base}/wherry"
    if root == _default_root():
        return base
    from zlib import crc32  # nothing for those who keep to the default

    return f"{base}/roots/{crc32(os.fsencode(root)):08x}"


def _default_root() -> str:
    if os.geteuid() == 0:
        return "/var/lib/wherry"
    data = os.environ.get("XDG_DATA_HOME") or os.path.expanduser("~/.local/share")
    return f"{data}/wherry"
