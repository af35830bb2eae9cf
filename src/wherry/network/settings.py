"""What the administrator says about networks, in /etc/wherry/config.toml.

[network]
publish-address = "127.0.0.1"    # where ports are published that name no address
"""

from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path

from wherry.errors import InvalidArgument

CONFIG = Path("/etc/wherry/config.toml")


class InvalidSettings(InvalidArgument):
    def __init__(self, path: Path, problem: str) -> None:
        super().__init__(f"{path}: {problem}")
        self.path = path


def publish_address(path: Path = CONFIG) -> IPv4Address | IPv6Address | None:
    """The address that ports are published on; None, when nothing is said, is all of them."""
    try:
        text = path.read_text()
    except FileNotFoundError:
        return None
    import tomllib  # most hosts have no such file

    try:
        table = tomllib.loads(text).get("network", {})
        chosen = table.get("publish-address") if isinstance(table, dict) else ""
        address = None if chosen is None else ip_address(str(chosen))
    except (tomllib.TOMLDecodeError, ValueError) as error:
        raise InvalidSettings(path, f"network.publish-address: {error}") from error
    return None if address is None or address.is_unspecified else address
