"""Folders that a RUN mounts so that their content is no part of the image."""

from wherry.lint.document import RunStep

_KEPT_OUT = ("cache", "tmpfs")


def mounts_over(run: RunStep, target: str) -> bool:
    """Whether a cache or a tmpfs is mounted on the folder `target`."""
    return any(
        mount.type in _KEPT_OUT and mount.target.rstrip("/") == target for mount in run.mounts
    )


def mounts_below(run: RunStep, ending: str) -> bool:
    """Whether a cache or a tmpfs is mounted on some folder whose path ends so."""
    return any(
        mount.type in _KEPT_OUT and mount.target.rstrip("/").endswith(ending)
        for mount in run.mounts
    )
