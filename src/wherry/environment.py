"""The environment and paths, for clients whose start is counted in milliseconds.

The module os makes all abstract classes of collections.abc, which takes a millisecond of each
command. What it has of the kernel is in `posix`, which costs nothing; this is the rest.
"""

import posix
import sys

_ENCODING = sys.getfilesystemencoding()
_ERRORS = sys.getfilesystemencodeerrors()


def variables() -> dict[str, str]:
    """The environment of this process, as it is now."""
    os = sys.modules.get("os")
    if os is not None:  # whoever has loaded it may have changed it there
        return dict(os.environ)
    return {
        name.decode(_ENCODING, _ERRORS): value.decode(_ENCODING, _ERRORS)
        for name, value in posix.environ.items()
    }


def variable(name: str) -> str:
    """One variable of the environment; "" without it."""
    os = sys.modules.get("os")
    if os is not None:
        return str(os.environ.get(name, ""))
    value = posix.environ.get(name.encode(_ENCODING, _ERRORS), b"")
    return value.decode(_ENCODING, _ERRORS)


def set_variable(name: str, value: str) -> None:
    """Set one for this process and for what it starts."""
    os = sys.modules.get("os")
    if os is not None:
        os.environ[name] = value
    else:
        posix.environ[name.encode(_ENCODING, _ERRORS)] = value.encode(_ENCODING, _ERRORS)
        posix.putenv(name, value)


def absolute(path: str) -> str:
    """`path` from the root on, without `.` and `..`."""
    if path.startswith("/") and not path.endswith("/") and "//" not in path and "/." not in path:
        return path
    from os.path import abspath  # most paths are so already

    return abspath(path)


def in_home(name: str) -> str:
    """The path of `name` in the user's folder."""
    home = variable("HOME")
    if home:
        return f"{home.rstrip('/')}/{name}"
    from os.path import expanduser  # the machine's list of users is asked

    return expanduser(f"~/{name}")


def encoded(path: str) -> bytes:
    """`path` as the kernel has it."""
    return path.encode(_ENCODING, _ERRORS)
