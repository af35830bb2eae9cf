"""Who is asked for names: at one address in a container, and others beyond that."""

from ipaddress import IPv4Address, IPv6Address

from wherry.values import dataclass

NAME_SERVICE = "127.0.0.11"


@dataclass(frozen=True, slots=True)
class Server:
    """A resolver to forward to. One on the host's loopback is reached from the host only."""

    address: IPv4Address | IPv6Address
    from_host: bool
