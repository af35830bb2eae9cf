"""This interpreter once more, for processes that make containers: sealed, isolated, of nobody.

Imported by clients whose start is counted in milliseconds: nothing but C modules here.
"""

import posix
import sys

from wherry.environment import variables

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

Action = tuple[int, int, int] | tuple[int, int, str, int, int]
"""One of posix_spawn's file actions that this module needs: to open and to duplicate."""

_INHERITED = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "XDG_RUNTIME_DIR", "XDG_DATA_HOME")


def spawn(statements: str, words: "Sequence[str]", actions: "Sequence[Action]") -> int:
    """Have a new process carry out `statements` with `words` as its arguments; its pid.

    It finds modules where this process does, has a session of its own, the signals of a new
    process, and /dev/null as its input and output; `actions` come after that. Sealed, unless this
    process may not (`wherry.linux.sealed`). Raises OSError.
    """
    interpreter = _sealed_interpreter()
    try:
        return posix.posix_spawn(
            f"/proc/self/fd/{interpreter}" if interpreter >= 0 else sys.executable,
            [*_isolated(statements), *words],
            _environment(),
            file_actions=[
                (posix.POSIX_SPAWN_OPEN, 0, "/dev/null", posix.O_RDWR, 0),
                (posix.POSIX_SPAWN_DUP2, 0, 1),
                *actions,
            ],
            setsid=True,
            setsigmask=[],
            setsigdef=range(1, 32),
        )
    finally:
        if interpreter >= 0:
            posix.close(interpreter)


def _sealed_interpreter() -> int:
    """What to execute, or -1 for the plain interpreter."""
    from wherry.linux.sealed import open_sealed_interpreter  # only who spawns needs it

    try:
        return open_sealed_interpreter()
    except OSError:
        return -1  # an ordinary user's containers cannot write to what is not that user's


def _isolated(statements: str) -> list[str]:
    # -I and -S: neither the environment nor a site hook changes what a privileged process runs.
    modules = f"import sys; sys.path[:] = {sys.path!r}; from wherry import packed; packed.install()"
    start = f"{modules}; {statements}"
    return [sys.executable, "-I", "-S", "-c", start]


def _environment() -> dict[str, str]:
    """What is inherited: each request brings its own environment."""
    return {
        name: value
        for name, value in variables().items()
        if name in _INHERITED or name.startswith("WHERRY_")
    }
