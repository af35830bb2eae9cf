"""What a user has set for Docker's client in ~/.docker/config.json, or in $DOCKER_CONFIG."""

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from wherry.cli.context import Context

_LARGEST = 1 << 20


def user_setting(context: "Context", name: str) -> str:
    """The text that the user's file has for `name`, such as detachKeys; "" without any."""
    folder = os.environ.get("DOCKER_CONFIG") or os.path.expanduser("~/.docker")
    path = f"{folder}/config.json"
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError:
        return ""
    try:
        data = os.read(descriptor, _LARGEST)
    except OSError:
        return ""
    finally:
        os.close(descriptor)
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
