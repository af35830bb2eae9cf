"""Keeping the build cache from growing without bound.

    [build]                     # in /etc/wherry/config.toml or ~/.config/wherry/config.toml
    gc = true
    max-used-space = "100GB"    # or 60 % of the disk, if that is less
    min-free-space = "20GB"     # or 10 % of the disk
    reserved-space = "10GB"     # or 10 % of the disk: what the cache may always have

After a build, but at most once an hour, what was used longest ago goes until the cache is within
these bounds. What images have part in neither counts nor goes.
"""

import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from wherry.build.progress import Report, vertex
from wherry.errors import WherryError, os_error_text
from wherry.store.config_file import InvalidConfiguration, config_files, table_in
from wherry.values import dataclass

if TYPE_CHECKING:
    from wherry.engine.engine import Engine

_BETWEEN = 3600.0  # seconds
_STAMP = "collected"
_GB = 10**9
_DEFAULTS = {
    # bytes, and the share of the disk that they are at most
    "max-used-space": (100 * _GB, 0.6),
    "min-free-space": (20 * _GB, 0.1),
    "reserved-space": (10 * _GB, 0.1),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Bounds:
    """In bytes; `enabled` tells whether they are kept to without being asked."""

    max_used: int
    min_free: int
    reserved: int
    enabled: bool = True


def collect_if_due(engine: "Engine", report: Report) -> None:
    """Bring the cache within its bounds, unless that was done in the last hour.

    A failure is only told of: the build is done.
    """
    if not _is_due(engine.store.root / "build" / _STAMP):
        return
    from wherry.engine.builds.prune import prune_cache  # once an hour

    try:
        bounds = load_bounds(engine.store.root, os.environ)
        if bounds.enabled:
            prune_cache(
                engine,
                reserved_space=bounds.reserved,
                max_used_space=bounds.max_used,
                min_free_space=bounds.min_free,
            )
    except (WherryError, OSError) as error:
        text = error.message if isinstance(error, WherryError) else os_error_text(error)
        with vertex(report, f"WARNING: {text}"):
            pass


def _is_due(stamp: Path) -> bool:
    """Whether the last time is long ago; if so, this is the next. Nothing is due at first."""
    try:
        if 0 <= time.time() - stamp.stat().st_mtime < _BETWEEN:
            return False
        os.utime(stamp)
    except FileNotFoundError:
        stamp.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        stamp.touch()
        return False
    return True


def load_bounds(root: Path, environ: Mapping[str, str]) -> Bounds:
    """What the files say, the user's over the administrator's, and else what the disk allows."""
    status = os.statvfs(root)
    disk = status.f_blocks * status.f_frsize
    found = {name: min(size, int(disk * share)) for name, (size, share) in _DEFAULTS.items()}
    enabled = True
    for path in config_files(environ):
        table = table_in(path, "build", ("gc", *_DEFAULTS))
        found |= {name: _size(path, name, table[name]) for name in _DEFAULTS if name in table}
        gc = table.get("gc", enabled)
        if not isinstance(gc, bool):
            raise InvalidConfiguration(path, "build.gc must be true or false")
        enabled = gc
    return Bounds(
        max_used=found["max-used-space"],
        min_free=found["min-free-space"],
        reserved=found["reserved-space"],
        enabled=enabled,
    )


def _size(path: Path, name: str, value: object) -> int:
    from wherry.engine.containers.options.units import parse_size

    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    try:
        return parse_size(value if isinstance(value, str) else "")
    except ValueError as error:
        raise InvalidConfiguration(path, f"build.{name}: {error}") from None
