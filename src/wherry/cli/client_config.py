"""What a user has set for Docker's client in ~/.docker/config.json, or in $DOCKER_CONFIG."""

import posix  # os would take a millisecond, see `wherry.environment`

from wherry.environment import in_home, variable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from wherry.cli.context import Context

_LARGEST = 1 << 20


def user_setting(context: "Context", name: str) -> str:
    """The text that the user's file has for `name`, such as detachKeys; "" without any."""
    folder = variable("DOCKER_CONFIG") or in_home(".docker")
    path = f"{folder}/config.json"
    try:
        descriptor = posix.open(path, posix.O_RDONLY | posix.O_CLOEXEC | posix.O_NONBLOCK)
    except OSError:
        return ""
    try:
        data = posix.read(descriptor, _LARGEST)
    except OSError:
        return ""
    finally:
        posix.close(descriptor)
    if f'"{name}"'.encode() not in data:
        return ""
    import json  # 7 ms, for those who have set it

    try:
        document = json.loads(data)
    except (ValueError, RecursionError) as error:
        context.warn(f"WARNING: Error loading config file: {path}: {error}")
        return ""
    value = document.get(name) if isinstance(document, dict) else None
    return value if isinstance(value, str) else ""
