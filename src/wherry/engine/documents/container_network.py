"""NetworkSettings: where a container is on its networks, and its published ports."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from wherry.oci.container_config import NetworkAttachment
from wherry.store.containers import Container
from wherry.store.endpoint_names import names_of
from wherry.store.networks import Endpoint, Network, endpoints_of, list_networks
from wherry.store.published_ports import published_ports

if TYPE_CHECKING:
    from wherry.engine.engine import Engine
    from wherry.store.store import Store

Document = dict[str, object]


def network_settings(engine: "Engine", container: Container) -> Document:
    """Docker's NetworkSettings; the addresses at its top are those on the default bridge."""
    endpoints = _endpoints(engine.store, container)
    pid = container.state.pid
    on_bridge = next((e for network, e in endpoints if network.name == "bridge"), None)
    return {
        "Bridge": "",
        "SandboxID": container.id if pid else "",
        "SandboxKey": f"/proc/{pid}/ns/net" if pid else "",
        "Ports": ports_document(engine, container),
        "HairpinMode": False,
        "LinkLocalIPv6Address": "",
        "LinkLocalIPv6PrefixLen": 0,
        "SecondaryIPAddresses": None,
        "SecondaryIPv6Addresses": None,
        "EndpointID": on_bridge.id if on_bridge else "",
        **_addresses(on_bridge),
        "Networks": _networks_document(engine.store, container, endpoints),
    }


def networks_document(engine: "Engine", container: Container) -> dict[str, Document]:
    """Of NetworkSettings its Networks, which is all that a listing shows."""
    return _networks_document(engine.store, container, _endpoints(engine.store, container))


def _endpoints(store: "Store", container: Container) -> list[tuple[Network, Endpoint]]:
    networks = {network.id: network for network in list_networks(store)}
    return [
        (networks[endpoint.network_id], endpoint)
        for endpoint in endpoints_of(store, container.id)
        if endpoint.network_id in networks
    ]


def ports_document(engine: "Engine", container: Container) -> dict[str, list[Document] | None]:
    """Host ends by port of the container; None for one that is only exposed, as Docker has it."""
    if not container.status.has_process:
        return {}
    ports: dict[str, list[Document] | None] = dict.fromkeys(container.config.exposed_ports)
    for port in published_ports(engine.store, container.id):
        key = f"{port.container_port}/{port.protocol}"
        ends = ports.get(key) or []
        host_ip, host_port = port.host_end
        ports[key] = [*ends, {"HostIp": host_ip, "HostPort": host_port}]
    return ports


def _networks_document(
    store: "Store", container: Container, endpoints: list[tuple[Network, Endpoint]]
) -> dict[str, Document]:
    config = container.config
    mode = "bridge" if config.network_mode == "default" else config.network_mode
    attachments = {each.network: each for each in config.networks}
    document = {
        network.name: _endpoint_document(
            attachments.get(network.name),
            network.id,
            endpoint,
            names_of(store, endpoint.id) if network.has_names else (),
        )
        for network, endpoint in endpoints
    }
    if not container.status.has_process and not mode.startswith("container:"):
        # One that does not run is shown on the networks it will join.
        for each in config.attachments:
            shown = mode if each.network == "default" else each.network
            document[shown] = _endpoint_document(attachments.get(each.network), "", None, ())
    return document


def _endpoint_document(
    attachment: NetworkAttachment | None,
    network_id: str,
    endpoint: Endpoint | None,
    names: Sequence[str],
) -> Document:
    ipam = _ipam_document(attachment)
    return {
        "IPAMConfig": ipam or None,
        "Links": list(attachment.links) or None if attachment else None,
        "Aliases": list(attachment.aliases) or None if attachment else None,
        "MacAddress": _mac_address(attachment, endpoint),
        "DriverOpts": dict(attachment.driver_options) or None if attachment else None,
        "GwPriority": attachment.gateway_priority if attachment else 0,
        "NetworkID": network_id,
        "EndpointID": endpoint.id if endpoint else "",
        **{key: value for key, value in _addresses(endpoint).items() if key != "MacAddress"},
        "DNSNames": list(names) or None,
    }


def _mac_address(attachment: NetworkAttachment | None, endpoint: Endpoint | None) -> str:
    """The one that is there, or was asked for and will be."""
    if endpoint is not None:
        return endpoint.mac_address
    return attachment.mac_address if attachment is not None else ""


def _ipam_document(attachment: NetworkAttachment | None) -> Document:
    if attachment is None:
        return {}
    document: Document = {}
    if attachment.ipv4_address:
        document["IPv4Address"] = attachment.ipv4_address
    if attachment.ipv6_address:
        document["IPv6Address"] = attachment.ipv6_address
    if attachment.link_local_ips:
        document["LinkLocalIPs"] = list(attachment.link_local_ips)
    return document


def _addresses(endpoint: Endpoint | None) -> Document:
    ipv4 = endpoint.ipv4 if endpoint else None
    ipv6 = endpoint.ipv6 if endpoint else None
    return {
        "Gateway": str(endpoint.gateway) if endpoint and endpoint.gateway else "",
        "GlobalIPv6Address": str(ipv6.ip) if ipv6 else "",
        "GlobalIPv6PrefixLen": ipv6.network.prefixlen if ipv6 else 0,
        "IPAddress": str(ipv4.ip) if ipv4 else "",
        "IPPrefixLen": ipv4.network.prefixlen if ipv4 else 0,
        "IPv6Gateway": str(endpoint.ipv6_gateway) if endpoint and endpoint.ipv6_gateway else "",
        "MacAddress": endpoint.mac_address if endpoint else "",
    }
