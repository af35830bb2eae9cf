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

ADMINISTRATOR_FILE = Path("/etc/wherry/config.toml")
_LARGEST = 1 << 20


class InvalidTagSettings(InvalidArgument):
    def __init__(self, path: Path, problem: str) -> None:
        super().__init__(f"{path}: {problem}")
        self.path = path


def immutable_by(name: Reference, environ: Mapping[str, str]) -> str:
    """The pattern by which the tag stays where it is; "" if none does."""
    for path, table in _tables(environ):
        patterns = table.get("immutable", [])
        if not isinstance(patterns, list) or not all(isinstance(each, str) for each in patterns):
            raise InvalidTagSettings(path, "tags.immutable must be a list of patterns")
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
    base = environ.get("XDG_CONFIG_HOME")
    folder = Path(base) if base else Path(environ.get("HOME") or "/root") / ".config"
    for path in (ADMINISTRATOR_FILE, folder / "wherry" / "config.toml"):
        try:
            with path.open("rb") as file:
                data = file.read(_LARGEST + 1)
        except OSError:
            continue
        if b"tags" in data:
            yield path, _table(path, data)


def _table(path: Path, data: bytes) -> Mapping[str, object]:
    import tomllib  # most hosts have no such file

    try:
        table = tomllib.loads(data.decode()).get("tags", {})
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InvalidTagSettings(path, str(error)) from None
    if not isinstance(table, dict):
        raise InvalidTagSettings(path, "tags must be a table")
    if unknown := table.keys() - {"immutable", "warn-latest"}:
        raise InvalidTagSettings(path, f"tags.{min(unknown)} is not known")
    return table
