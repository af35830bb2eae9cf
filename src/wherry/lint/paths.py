"""Paths and words as rules compare them."""


def without_quotes(text: str) -> str:
    """`text` without quotes of either kind around it."""
    return text.strip("\"'")


def is_absolute(text: str) -> bool:
    """Whether a path begins at the root, on a drive, or with a variable."""
    path = without_quotes(text)
    return path.startswith(("/", "$")) or (
        path[1:2] == ":" and path[0].isascii() and path[0].isalpha()
    )


def last_part(text: str) -> str:
    """What stands behind the last slash of either kind."""
    return without_quotes(text).replace("\\", "/").rpartition("/")[2]
