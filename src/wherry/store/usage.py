"""What files take on disk: blocks, as du(1) counts them, every inode once."""

import os
from pathlib import Path

_BLOCK = 512  # bytes that st_blocks counts in, whatever the filesystem


class Counter:
    """Sums up trees; what was counted in one is not counted again in another."""

    def __init__(self) -> None:
        self._seen: set[tuple[int, int]] = set()

    def tree(self, path: str | os.PathLike[str]) -> int:
        """Bytes of `path` with all below it; not what vanishes meanwhile or is mounted."""
        top = os.fspath(path)
        try:
            status = os.stat(top, follow_symlinks=False)
        except FileNotFoundError:
            return 0
        total = self._one(status)
        device = status.st_dev
        waiting = [top] if os.path.isdir(top) and not os.path.islink(top) else []
        while waiting:
            try:
                entries = os.scandir(waiting.pop())
            except (FileNotFoundError, NotADirectoryError):
                continue
            with entries:
                for entry in entries:
                    try:
                        status = entry.stat(follow_symlinks=False)
                    except FileNotFoundError:
                        continue
                    if status.st_dev != device:
                        continue
                    total += self._one(status)
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(entry.path)
        return total

    def _one(self, status: os.stat_result) -> int:
        key = (status.st_dev, status.st_ino)
        if key in self._seen:
            return 0
        self._seen.add(key)
        return status.st_blocks * _BLOCK


def disk_size(path: Path) -> int:
    """What `path` with all below it takes."""
    return Counter().tree(path)
