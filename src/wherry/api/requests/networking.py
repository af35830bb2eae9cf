"""NetworkingConfig, and what HostConfig says of networks, names and ports."""

from typing import Any

from wherry.api.fields import Fields
from wherry.api.versions import Version, parse_version
from wherry.engine.containers.complete import with_protocol
from wherry.engine.containers.validate_network import ConflictingOptions
from wherry.errors import InvalidArgument
from wherry.network.names import parse_dns_search
from wherry.network.requests import parse_ip, parse_mac, parse_port_spec
from wherry.oci.container_config import NetworkAttachment, PortBinding
from wherry.values import replace

_1_44 = parse_version("1.44")


class MacAddressOfNobody(InvalidArgument):
    """The container's address belongs to none of its networks, or the one it is for has another."""


def read_networking(fields: Fields, host: Fields, version: Version) -> dict[str, Any]:
    mode = host.text("NetworkMode") or "default"
    disabled = fields.flag("NetworkDisabled")
    if disabled:
        mode = "none"
    documents = fields.inner("NetworkingConfig").named_objects("EndpointsConfig")
    if mode == "default" and "bridge" in documents:  # which is the same
        documents[mode] = documents.pop("bridge")
    endpoints = {name: read_endpoint(name, document) for name, document in documents.items()}
    mac_address = fields.text("MacAddress")
    if mac_address:
        endpoints = _with_mac_address(endpoints, mode, parse_mac(mac_address), version)
    elif version < _1_44:  # which knew no other
        endpoints = {name: replace(each, mac_address="") for name, each in endpoints.items()}
    links = host.texts("Links")
    return {
        "network_mode": mode,
        "network_disabled": disabled,
        "networks": _attachments(mode, endpoints, links),
        "links": links,
        "ports": tuple(_ports(host)),
        "exposed_ports": exposed_ports(fields, host),
        "publish_all": host.flag("PublishAllPorts"),
        "dns": tuple(map(parse_ip, host.texts("Dns"))),
        "dns_options": tuple(map(_one_word, host.texts("DnsOptions"))),
        "dns_search": tuple(_search(text) for text in host.texts("DnsSearch")),
        "extra_hosts": host.texts("ExtraHosts"),
    }


def _with_mac_address(
    endpoints: dict[str, NetworkAttachment], mode: str, mac_address: str, version: Version
) -> dict[str, NetworkAttachment]:
    """The endpoints with the container's address at the one that it is for, as Docker chooses."""
    shared = mode in ("host", "none")
    if mode.startswith("container:") or (shared and version < _1_44):
        raise ConflictingOptions("mac-address and the network mode")
    if shared:
        return endpoints
    name = mode
    if endpoints and version < _1_44:
        (name,) = endpoints
    elif endpoints and name not in endpoints:
        raise MacAddressOfNobody(
            "unable to migrate container-wide MAC address to a specific network:"
            " HostConfig.NetworkMode must match the identity of a network in"
            " NetworkSettings.Networks"
        )
    chosen = endpoints.get(name) or NetworkAttachment(network=name)
    if version >= _1_44 and chosen.mac_address not in ("", mac_address):
        raise MacAddressOfNobody(
            "the container-wide MAC address must match the endpoint-specific MAC address for the"
            " main network, or be left empty"
        )
    return {**endpoints, name: replace(chosen, mac_address=mac_address)}


def _attachments(
    mode: str, endpoints: dict[str, NetworkAttachment], links: tuple[str, ...]
) -> tuple[NetworkAttachment, ...]:
    """The network of the mode first, then the others."""
    # The client's word for the network it names nowhere else.
    first = endpoints.pop(mode, None) or NetworkAttachment(network=mode)
    attachments = (first, *endpoints.values())
    if attachments == (NetworkAttachment(network="default"),):
        return ()
    if attachments == (NetworkAttachment(network="default", links=links),):
        return ()
    return attachments


def read_endpoint(network: str, endpoint: Fields) -> NetworkAttachment:
    """Docker's EndpointSettings, as far as they ask for something."""
    addresses = endpoint.inner("IPAMConfig")
    mac_address = endpoint.text("MacAddress")
    return NetworkAttachment(
        network=network,
        ipv4_address=addresses.text("IPv4Address"),
        ipv6_address=addresses.text("IPv6Address"),
        link_local_ips=tuple(map(parse_ip, addresses.texts("LinkLocalIPs"))),
        mac_address=parse_mac(mac_address) if mac_address else "",
        aliases=endpoint.texts("Aliases"),
        links=endpoint.texts("Links"),
        driver_options=endpoint.pairs("DriverOpts"),
        gateway_priority=endpoint.integer("GwPriority", 32),
    )


def _ports(host: Fields) -> list[PortBinding]:
    bindings: list[PortBinding] = []
    ports = host.inner("PortBindings")
    for port in host.keys("PortBindings"):
        # An empty list, or null, publishes on any port.
        for binding in ports.objects(port) or [Fields({})]:
            address, number = binding.text("HostIp"), binding.text("HostPort")
            shown = f"[{address}]" if ":" in address else address
            if number == "0":
                number = ""
            bindings += parse_port_spec(f"{shown}:{number}:{port}")
    return list(dict.fromkeys(bindings))


def exposed_ports(fields: Fields, host: Fields | None = None) -> tuple[str, ...]:
    """What the body exposes, and what it publishes."""
    published = () if host is None else host.keys("PortBindings")
    return tuple(dict.fromkeys(map(_exposed, (*fields.keys("ExposedPorts"), *published))))


def _exposed(port: str) -> str:
    (binding, *_) = parse_port_spec(f"::{port}")
    return with_protocol(f"{binding.container_port}/{binding.protocol}")


def _search(text: str) -> str:
    try:
        return parse_dns_search(text)
    except ValueError as error:
        raise InvalidArgument(str(error)) from error


def _one_word(text: str) -> str:
    # A line break would write a line of its own into resolv.conf.
    if any(character.isspace() for character in text):
        raise InvalidArgument(f"invalid DNS option: {text!r}")
    return text
