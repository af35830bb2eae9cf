"""Docker's document of a network."""

from typing import TYPE_CHECKING

from wherry.store.addresses import Subnet
from wherry.store.networks import Endpoint, Network, endpoints_on

if TYPE_CHECKING:
    from wherry.store.store import Store


def network_document(store: "Store", network: Network, names: dict[str, str]) -> dict[str, object]:
    """GET /networks/{id}; `names` are those of containers by their IDs."""
    return {
        "Name": network.name,
        "Id": network.id,
        "Created": network.created,
        "Scope": network.scope,
        "Driver": network.driver,
        "EnableIPv4": network.enable_ipv4,
        "EnableIPv6": network.enable_ipv6,
        "IPAM": {
            "Driver": "default",
            "Options": {} if network.ipam_options and not network.is_predefined else None,
            "Config": [
                {
                    "Subnet": str(subnet.subnet),
                    **({"IPRange": str(subnet.ip_range)} if subnet.ip_range else {}),
                    **({"Gateway": str(subnet.gateway)} if subnet.gateway else {}),
                    **_auxiliary(subnet),
                }
                for subnet in network.subnets
            ],
        },
        "Internal": network.internal,
        "Attachable": network.attachable,
        "Ingress": False,
        "ConfigFrom": {"Network": ""},
        "ConfigOnly": False,
        "Containers": {
            endpoint.container_id: _endpoint_document(endpoint, names)
            for endpoint in sorted(
                endpoints_on(store, network.id), key=lambda endpoint: endpoint.container_id
            )
        },
        "Options": dict(sorted(network.options.items())),
        "Labels": dict(network.labels),
    }


def _endpoint_document(endpoint: Endpoint, names: dict[str, str]) -> dict[str, object]:
    return {
        "Name": names.get(endpoint.container_id, ""),
        "EndpointID": endpoint.id,
        "MacAddress": endpoint.mac_address,
        "IPv4Address": str(endpoint.ipv4 or ""),
        "IPv6Address": str(endpoint.ipv6 or ""),
    }


def _auxiliary(subnet: Subnet) -> dict[str, dict[str, str]]:
    if not subnet.reserved:
        return {}
    named = zip(subnet.reserved_names, subnet.reserved, strict=True)
    return {"AuxiliaryAddresses": {name: str(address) for name, address in named}}
