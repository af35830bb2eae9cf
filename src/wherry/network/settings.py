"""What the administrator says about networks, in /etc/wherry/config.toml.

[network]
publish-address = "127.0.0.1"    # where ports are published that name no address
"""

from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path

from wherry.store.config_file import ADMINISTRATOR_FILE, InvalidConfiguration, table_in


def publish_address(path: Path = ADMINISTRATOR_FILE) -> IPv4Address | IPv6Address | None:
    """The address that ports are published on; None, when nothing is said, is all of them."""
    chosen = table_in(path, "network").get("publish-address")
    try:
        address = None if chosen is None else ip_address(str(chosen))
    except ValueError as error:
        raise InvalidConfiguration(path, f"network.publish-address: {error}") from error
    return None if address is None or address.is_unspecified else address
