"""Options of the network that exclude each other, in Docker's words."""

from ipaddress import IPv4Address, IPv6Address

from wherry.engine.containers.options.network import is_user_defined
from wherry.errors import InvalidArgument
from wherry.oci.container_config import ContainerConfig, NetworkAttachment


class ConflictingOptions(InvalidArgument):
    def __init__(self, text: str) -> None:
        super().__init__(f"conflicting options: {text}")


def check_networking(config: ContainerConfig) -> None:
    mode = config.network_mode
    if mode.startswith("container:"):
        _check_joined(config)
    if mode == "host" and config.links:
        raise ConflictingOptions(
            "host type networking can't be used with links. This would result in undefined behavior"
        )
    if config.uts_mode == "host" and config.hostname:
        raise ConflictingOptions("hostname and the UTS mode")
    _check_together(mode, {attachment.network for attachment in config.networks} - {mode})
    for attachment in config.networks:
        _check_addresses(attachment)


def _check_together(mode: str, others: set[str]) -> None:
    if not others:
        return
    if "host" in (mode, *others) or mode.startswith("container:"):
        raise InvalidArgument(
            "container sharing network namespace with another container or host cannot be connected"
            " to any other network"
        )
    if "none" in (mode, *others):
        raise InvalidArgument(
            "container cannot be connected to multiple networks with one of the networks in private"
            " (none) mode"
        )


def _check_joined(config: ContainerConfig) -> None:
    if config.network_mode == "container:":
        raise InvalidArgument("invalid container format container:<name|id>")
    if config.hostname:
        raise ConflictingOptions("hostname and the network mode")
    if config.links:
        raise ConflictingOptions(
            "container type network can't be used with links."
            " This would result in undefined behavior"
        )
    if config.dns:
        raise ConflictingOptions("dns and the network mode")
    if config.extra_hosts:
        raise ConflictingOptions("custom host-to-IP mapping and the network mode")
    if config.mac_address:
        raise ConflictingOptions("mac-address and the network mode")
    if config.ports or config.publish_all:
        raise ConflictingOptions("port publishing and the container type network mode")
    if config.exposed_ports:
        raise ConflictingOptions("port exposing and the container type network mode")


def _check_addresses(attachment: NetworkAttachment) -> None:
    for version, address, kind in (
        ("IPv4", attachment.ipv4_address, IPv4Address),
        ("IPv6", attachment.ipv6_address, IPv6Address),
    ):
        try:
            if address:
                kind(address)
        except ValueError:
            raise InvalidArgument(f"invalid {version} address: {address}") from None
    if is_user_defined(attachment.network):
        return
    if attachment.ipv4_address or attachment.ipv6_address:
        raise InvalidArgument(
            "user specified IP address is supported on user defined networks only"
        )
    if attachment.aliases:
        raise InvalidArgument("network-scoped aliases are only supported for user-defined networks")
