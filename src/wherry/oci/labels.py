"""Labels as Docker's client takes them: `KEY=VALUE`, or a key alone."""

_BLANKS = " \t"


def checked_label(text: str) -> str:
    """`text` itself; ValueError for a key that there cannot be."""
    key = text.partition("=")[0].lstrip(_BLANKS)
    if not key:
        raise ValueError(f"invalid label '{text}': empty name")
    if any(blank in key for blank in _BLANKS):
        raise ValueError(f"label '{key}' contains whitespaces")
    return text
