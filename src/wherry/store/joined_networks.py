"""Which networks a container is on, in one look: for events, which tell no more of them."""

from wherry.store.store import Store


def networks_joined(store: Store, container_id: str) -> list[tuple[str, str, str]]:
    """IDs, names and drivers of the networks that a container is on, that of eth0 first."""
    rows = store.database.connection.execute(
        "SELECT networks.id, networks.name, networks.driver FROM endpoints"
        " JOIN networks ON networks.id = endpoints.network_id WHERE endpoints.container_id = ?"
        " ORDER BY endpoints.host_link",
        (container_id,),
    )
    return [(row["id"], row["name"], row["driver"]) for row in rows]
