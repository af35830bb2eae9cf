"""Paths and words as rules compare them."""

import re

_WINDOWS = re.compile(r"[A-Za-z]:")


def without_quotes(text: str) -> str:
    """`text` without quotes of either kind around it."""
    return text.strip("\"'")


def is_absolute(text: str) -> bool:
    """Whether a path begins at the root, on a drive, or with a variable."""
    path = without_quotes(text)
    return path.startswith(("/", "$")) or bool(_WINDOWS.match(path))


def last_part(text: str) -> str:
    """What stands behind the last slash of either kind."""
    return re.split(r"[/\\]", without_quotes(text))[-1]
