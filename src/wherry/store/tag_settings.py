"""What is said about tags in /etc/wherry/config.toml and in ~/.config/wherry/config.toml.

    [tags]
    immutable = ["registry.internal/*:v*", "app:1.*"]   # once given, these stay on their image
    warn-latest = true        # of images named by the tag latest, or by none, which is the same

Patterns are those of the shell, of a name as Docker prints it or in full. Both files count.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path

from wherry.errors import InvalidArgument
from wherry.oci.reference import DEFAULT_TAG, Reference
from wherry.store.config_file import InvalidConfiguration, config_files, table_in

_KEYS = ("immutable", "warn-latest")


def immutable_by(name: Reference, environ: Mapping[str, str]) -> str:
    """The pattern by which the tag stays where it is; "" if none does."""
    for path, table in _tables(environ):
        patterns = table.get("immutable", [])
        if not isinstance(patterns, list) or not all(isinstance(each, str) for each in patterns):
            raise InvalidConfiguration(path, "tags.immutable must be a list of patterns")
        from fnmatch import fnmatchcase  # regular expressions, for those who have patterns

        for pattern in patterns:
            if fnmatchcase(str(name), pattern) or fnmatchcase(name.full, pattern):
                return str(pattern)
    return ""


def warning_of(image: str, environ: Mapping[str, str]) -> str:
    """What there is to be said about naming an image so; "" if that is fine."""
    if not any(table.get("warn-latest") is True for _, table in _tables(environ)):
        return ""
    try:
        name = Reference.parse(image)
    except InvalidArgument:
        return ""  # an ID, which never means another image
    if name.digest is not None or name.tag not in (None, DEFAULT_TAG):
        return ""
    what = "has no tag, which means latest" if name.tag is None else "has the tag latest"
    return f"{image} {what}: it may be another image tomorrow"


def _tables(environ: Mapping[str, str]) -> Iterator[tuple[Path, Mapping[str, object]]]:
    for path in config_files(environ):
        yield path, table_in(path, "tags", _KEYS)
