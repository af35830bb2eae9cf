"""One line of `ps`: Docker's ContainerSummary."""

from typing import TYPE_CHECKING

from wherry.engine.documents.container import mount_point_document
from wherry.engine.documents.container_network import networks_document
from wherry.engine.documents.container_status import status_text
from wherry.oci.timestamps import parse_timestamp
from wherry.store.containers import Container
from wherry.store.published_ports import published_ports

if TYPE_CHECKING:
    from wherry.engine.engine import Engine

Document = dict[str, object]


def summary_document(engine: "Engine", container: Container, now_ns: int) -> Document:
    """The container as it is at `now_ns`, nanoseconds since 1970."""
    state, details = container.state, container.details
    return {
        "Id": container.id,
        "Names": [f"/{container.name}"],
        "Image": details.image_name,
        "ImageID": container.image_id,
        "Command": command_text(container),
        "Created": parse_timestamp(container.created) // 10**9,
        "Ports": _ports(engine, container),
        "Labels": dict(container.config.labels),
        "State": state.status.value,
        "Status": status_text(
            state, parse_timestamp(state.started_at), parse_timestamp(state.finished_at), now_ns
        ),
        "HostConfig": _host_config(container),
        "NetworkSettings": {"Networks": networks_document(engine, container)},
        "Mounts": [mount_point_document(point) for point in details.mounts],
    }


def _host_config(container: Container) -> Document:
    document: Document = {"NetworkMode": container.config.network_mode}
    if container.config.annotations:
        document["Annotations"] = dict(container.config.annotations)
    return document


def command_text(container: Container) -> str:
    """The program and its arguments; Docker puts quotes around arguments with blanks alone."""
    words = [f"'{word}'" if " " in word else word for word in container.details.args]
    return " ".join([container.details.path, *words])


def _ports(engine: "Engine", container: Container) -> list[Document]:
    if not container.status.has_process:
        return []
    ports = published_ports(engine.store, container.id)
    published = [port for port in ports if not port.is_routed]
    taken = {(port.container_port, port.protocol) for port in published}
    offered = [(port.container_port, port.protocol) for port in ports if port.is_routed]
    for text in container.config.exposed_ports:
        number, _, protocol = text.partition("/")
        offered.append((int(number), protocol or "tcp"))
    exposed = [one for one in dict.fromkeys(offered) if one not in taken]
    documents: list[Document] = [
        {
            "IP": str(port.host_ip),
            "PrivatePort": port.container_port,
            "PublicPort": port.host_port,
            "Type": port.protocol,
        }
        for port in published
    ]
    documents += [{"PrivatePort": number, "Type": protocol} for number, protocol in exposed]
    return documents
