"""`Engine().networks`."""

import builtins
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from wherry.engine.filters import Filters
from wherry.engine.networks.connect import connect_network, disconnect_network
from wherry.engine.networks.create import NetworkRequest, create_network
from wherry.engine.networks.inspect import inspect_network
from wherry.engine.networks.list import list_networks
from wherry.engine.networks.remove import prune_networks, remove_network
from wherry.engine.networks.subnets import SubnetRequest
from wherry.oci.container_config import NetworkAttachment
from wherry.store.networks import Network

if TYPE_CHECKING:
    from wherry.engine.engine import Engine


class Networks:
    def __init__(self, engine: "Engine") -> None:
        self._engine = engine

    def create(
        self,
        name: str,
        *,
        driver: str = "bridge",
        subnets: Sequence[SubnetRequest] = (),
        internal: bool = False,
        attachable: bool = False,
        ipv4: bool | None = None,
        ipv6: bool | None = None,
        options: Mapping[str, str] | None = None,
        labels: Mapping[str, str] | None = None,
    ) -> Network:
        """Make a network."""
        request = NetworkRequest(
            name=name,
            driver=driver,
            subnets=subnets,
            internal=internal,
            attachable=attachable,
            ipv4=ipv4,
            ipv6=ipv6,
            options=options or {},
            labels=labels or {},
        )
        return create_network(self._engine, request)

    def remove(self, name: str) -> None:
        remove_network(self._engine, name)

    def connect(
        self,
        network: str,
        container: str,
        *,
        aliases: Sequence[str] = (),
        ip: str = "",
        ip6: str = "",
        gateway_priority: int = 0,
    ) -> None:
        """Put a container on a network, whether it runs or not."""
        attachment = NetworkAttachment(
            network=network,
            aliases=tuple(aliases),
            ipv4_address=ip,
            ipv6_address=ip6,
            gateway_priority=gateway_priority,
        )
        connect_network(self._engine, container, attachment)

    def disconnect(self, network: str, container: str, *, force: bool = False) -> None:
        disconnect_network(self._engine, network, container, force=force)

    def prune(self, filters: Filters | None = None) -> builtins.list[str]:
        """Remove the networks that no container is on; their names."""
        return prune_networks(self._engine, filters)

    def list(self, filters: Filters | None = None) -> builtins.list[Network]:
        return list_networks(self._engine, filters)

    def inspect(self, name: str) -> dict[str, object]:
        """Docker's document about a network."""
        return inspect_network(self._engine, name)
