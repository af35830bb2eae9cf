"""Finding the program to execute, as Go's exec.LookPath does and in its words."""

import errno
import os
import stat

from wherry.go_text import quoted
from wherry.runtime.errors import ProgramNotRunnable
from wherry.runtime.init.channel import reason_of


def find_program(name: str, environment: dict[str, str]) -> str:
    """The path of program `name` in this process's root, or ProgramNotRunnable."""
    if "/" in name:
        if (problem := _problem(name)) is not None:
            raise ProgramNotRunnable(f"exec: {quoted(name)}: {problem}")
        return name
    for directory in environment.get("PATH", "").split(":") if name else ():
        path = f"{directory}/{name}" if directory else name
        if _is_program(path):
            if not directory.startswith("/"):
                raise ProgramNotRunnable(
                    f"exec: {quoted(name)}: cannot run executable found"
                    " relative to current directory"
                )
            return path
    raise ProgramNotRunnable(f"exec: {quoted(name)}: executable file not found in $PATH")


def _is_program(path: str) -> bool:
    try:
        mode = os.stat(path).st_mode
    except OSError:  # as in most folders; why is nobody's question
        return False
    return _problem(path, mode) is None


def _problem(path: str, mode: int = 0) -> str | None:
    """Why `path` cannot be executed by this process, or None; its `mode` may be known."""
    try:
        mode = mode or os.stat(path).st_mode
    except OSError as error:
        return f"stat {reason_of(error)}"
    if stat.S_ISDIR(mode):
        return "is a directory"
    # The bits are asked too: root may do anything, says access(2).
    if not mode & 0o111 or not os.access(path, os.X_OK, effective_ids=True):
        return os.strerror(errno.EACCES).lower()
    return None


def environment_of(words: tuple[str, ...]) -> dict[str, str]:
    """The environment that `words`, each NAME=value, describe; the last of a name counts."""
    environment: dict[str, str] = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not name or not equals:
            raise ProgramNotRunnable(f"invalid environment variable: {word!r}")
        environment[name] = value
    return environment
