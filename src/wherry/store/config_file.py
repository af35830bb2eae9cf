"""The files of settings: the administrator's, and for some of them a user's too.

    /etc/wherry/config.toml    ~/.config/wherry/config.toml

What a table of them may say stands in the module that heeds it.
"""

from collections.abc import Collection, Mapping
from pathlib import Path

from wherry.errors import InvalidArgument

ADMINISTRATOR_FILE = Path("/etc/wherry/config.toml")
_LARGEST = 1 << 20  # bytes


class InvalidConfiguration(InvalidArgument):
    def __init__(self, path: Path, problem: str) -> None:
        super().__init__(f"{path}: {problem}")
        self.path = path


def config_files(environ: Mapping[str, str]) -> tuple[Path, Path]:
    """The administrator's and the user's, who has the last word."""
    base = environ.get("XDG_CONFIG_HOME")
    folder = Path(base) if base else Path(environ.get("HOME") or "/root") / ".config"
    return ADMINISTRATOR_FILE, folder / "wherry" / "config.toml"


def table_in(path: Path, name: str, known: Collection[str] | None = None) -> Mapping[str, object]:
    """The table `name` of a file; empty if there is no such file.

    Raises InvalidConfiguration for a file that is none, and for keys that are not `known`.
    """
    try:
        with path.open("rb") as file:
            data = file.read(_LARGEST + 1)
    except OSError:
        return {}
    if len(data) > _LARGEST:
        raise InvalidConfiguration(path, f"is larger than {_LARGEST} bytes")
    import tomllib  # most hosts have no such file

    try:
        table = tomllib.loads(data.decode()).get(name, {})
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InvalidConfiguration(path, str(error)) from None
    if not isinstance(table, dict):
        raise InvalidConfiguration(path, f"{name} must be a table")
    if known is not None and (unknown := table.keys() - known):
        raise InvalidConfiguration(path, f"{name}.{min(unknown)} is not known")
    return table
