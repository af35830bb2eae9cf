"""What ADD unpacks."""

from wherry.lint.paths import without_quotes

_ENDINGS = (
    *(".tar", ".gz", ".bz2", ".xz", ".tgz", ".tbz", ".tbz2", ".tb2", ".txz", ".tlz", ".lz"),
    *(".lzma", ".Z", ".tZ"),
)


def is_archive(name: str) -> bool:
    return without_quotes(name).endswith(_ENDINGS)
