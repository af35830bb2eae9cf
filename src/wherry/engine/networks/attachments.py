"""What can be asked of a container's place in a network."""

from ipaddress import ip_address

from wherry.errors import InvalidArgument
from wherry.network.endpoint_options import check_endpoint_options
from wherry.oci.container_config import NetworkAttachment
from wherry.store.networks import Network


class InvalidEndpoint(InvalidArgument):
    def __init__(self, problem: str) -> None:
        super().__init__(f"invalid endpoint settings:\n{problem}")


def check_attachment(network: Network, attachment: NetworkAttachment) -> None:
    """Refuse what can never be had on this network, in Docker's words."""
    check_endpoint_options(attachment.driver_options)
    if network.is_predefined:
        if attachment.ipv4_address or attachment.ipv6_address:
            raise InvalidEndpoint(
                "user specified IP address is supported on user defined networks only"
            )
        if attachment.aliases:
            raise InvalidEndpoint(
                "network-scoped aliases are only supported for user-defined networks"
            )
        return
    for address in (attachment.ipv4_address, attachment.ipv6_address):
        if not address:
            continue
        if not network.chosen_subnets:
            raise InvalidEndpoint(
                "user specified IP address is supported only when connecting to networks with"
                " user configured subnets"
            )
        if not any(ip_address(address) in pool.subnet for pool in network.subnets):
            raise InvalidEndpoint(f"no configured subnet contains IP address {address}")
