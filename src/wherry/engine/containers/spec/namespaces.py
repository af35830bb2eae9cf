"""Which namespaces a container gets, and whose it joins."""

from wherry.engine.containers.options.modes import container_of
from wherry.errors import Conflict, Internal, InvalidArgument
from wherry.linux.process import start_time
from wherry.oci.container_config import ContainerConfig
from wherry.oci.runtime_spec import Namespace
from wherry.store.containers import Container, Status, find_container
from wherry.store.store import Store
from wherry.values import replace

_FILES = {"network": "net"}


class NotRunning(Internal):
    def __init__(self, name: str) -> None:
        super().__init__(f"container {name} is not running")


class Restarting(Conflict):
    def __init__(self, name: str) -> None:
        super().__init__(f"container {name} is restarting, wait until the container is running")


class NotShareable(Internal):
    def __init__(self, container: Container) -> None:
        super().__init__(
            f"container {container.id}: non-shareable IPC"
            " (hint: use IpcMode:shareable for the donor container)"
        )


def container_namespaces(
    store: Store, config: ContainerConfig, container_id: str
) -> tuple[Namespace, ...]:
    """The namespaces to make (without a path) and to join; none where the host's is shared."""
    namespaces = [Namespace(type="mount")]
    for kind, mode in (
        ("network", config.network_mode),
        ("uts", config.uts_mode),
        ("pid", config.pid_mode),
        ("ipc", config.ipc_mode),
    ):
        if mode == "host":
            continue
        name = container_of(mode)
        path = (
            namespace_path(joined_container(store, name, kind, container_id), kind) if name else ""
        )
        namespaces.append(Namespace(type=kind, path=path))
    if config.cgroup_namespace_mode == "private":
        namespaces.append(Namespace(type="cgroup"))
    return tuple(namespaces)


def joined_container(store: Store, name: str, kind: str, own_id: str) -> Container:
    """The running container whose namespace is joined, in Docker's words if it cannot be."""
    container = find_container(store, name)
    if container.id == own_id:
        raise InvalidArgument(f"cannot join own {kind} namespace")
    if container.status is Status.RESTARTING:
        raise Restarting(name)
    if not _is_alive(container):
        if kind == "network":
            raise Conflict(f"cannot join network of a non running container: {container.id}")
        raise NotRunning(name)
    if kind == "ipc" and container.config.ipc_mode != "shareable":
        raise NotShareable(container)
    return container


def _is_alive(container: Container) -> bool:
    """Whether its first process is there now: a number alone may be another's by now."""
    state = container.state
    if not container.status.has_process or not state.pid:
        return False
    try:
        return start_time(state.pid) == state.pid_start_time
    except (FileNotFoundError, ProcessLookupError):
        return False


def namespace_path(container: Container, kind: str) -> str:
    return f"/proc/{container.state.pid}/ns/{_FILES.get(kind, kind)}"


def with_resolved_modes(store: Store, config: ContainerConfig) -> ContainerConfig:
    """The `container:` modes with full IDs in place of names, which may be given to others."""

    def resolved(mode: str) -> str:
        name = container_of(mode)
        return f"container:{find_container(store, name).id}" if name else mode

    return replace(
        config,
        network_mode=resolved(config.network_mode),
        pid_mode=resolved(config.pid_mode),
        ipc_mode=resolved(config.ipc_mode),
    )
