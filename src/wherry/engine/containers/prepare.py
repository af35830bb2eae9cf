"""What one start of a container needs, worked out for this moment.

Runs in the process that will supervise the container, with its lock held. What it takes (addresses,
mounts of volumes, a shared /dev/shm) the plan's `release` gives back; each can be given back again.
"""

import json
import os
from contextlib import ExitStack

from wherry.engine.containers.create import ROOTFS
from wherry.engine.containers.options.modes import container_of
from wherry.engine.containers.root import top_layer
from wherry.engine.containers.runtimes import OWN, runtime_program
from wherry.engine.containers.spec.build import Moment, build_spec
from wherry.engine.containers.spec.files import ContainerFiles
from wherry.engine.containers.spec.mounts import UserMount, init_program
from wherry.engine.containers.spec.namespaces import container_namespaces, joined_container
from wherry.engine.containers.start_mounts import release_host_mounts, user_mounts
from wherry.engine.containers.start_network import prepare_network
from wherry.engine.containers.volume_mounts import hold_volumes, let_go_of_volumes
from wherry.errors import Internal
from wherry.linux.files import write_atomically
from wherry.linux.mount import MountFlag, mount
from wherry.oci.codec import from_json, to_json
from wherry.oci.runtime_spec import Spec, User
from wherry.oci.users import resolve_user
from wherry.shim.start_plan import StartMade, StartPlan
from wherry.store.containers import Container
from wherry.store.networks import release_endpoints
from wherry.store.snapshots import container_mount, prepare_container
from wherry.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from wherry.engine.engine import Engine

CONFIG = "config.json"


class NoInitProgram(Internal):
    def __init__(self) -> None:
        super().__init__(
            "--init needs docker-init or tini, and neither is installed",
            hint="install it, as with: apt-get install tini",
        )


def prepare_start(engine: "Engine", container: Container) -> StartPlan:
    """The plan of one start. Raises in Docker's words, with everything undone."""
    store = engine.store
    folder = store.container_folder(container.id)
    prepare_container(store, container.id)
    (folder / ROOTFS).mkdir(exist_ok=True)
    with ExitStack() as undo:
        release_host_mounts(store, container.id)  # of a supervisor that was killed
        undo.callback(release_host_mounts, store, container.id)
        undo.callback(let_go_of_volumes, store, container)
        hold_volumes(store, container)
        undo.callback(release_endpoints, store, container.id)
        network = prepare_network(engine, container)
        user = _user(engine, container)
        own = user_mounts(engine, container, user)
        spec = build_spec(
            container,
            ROOTFS,
            Moment(
                user=user,
                hostname=network.hostname,
                namespaces=container_namespaces(store, container.config, container.id),
                mounts=(*own, *network.mounts(own)),
                shm=_shared_memory(engine, container),
                init=_init(container),
                linked_env=network.linked_env,
            ),
        )
        _write_config(engine, container, spec)
        store.trace("start prepared")
        release = undo.pop_all()
    return StartPlan(
        container=container,
        bundle=folder,
        spec=spec,
        root_mounts=(
            container_mount(
                store,
                container.id,
                top_layer(container),
                volatile=container.config.auto_remove,
            ),
        ),
        connect=network.connect,
        release=release.close,
        runtime=""
        if container.config.runtime in OWN
        else runtime_program(container.config.runtime),
    )


def recall_start(engine: "Engine", container: Container) -> StartMade:
    """A start that was made, for a process that goes on with its supervision."""
    store = engine.store
    folder = store.container_folder(container.id)
    release = ExitStack()
    release.callback(release_host_mounts, store, container.id)
    release.callback(let_go_of_volumes, store, container)
    release.callback(release_endpoints, store, container.id)
    return StartMade(
        bundle=folder,
        spec=lambda: from_json(Spec, json.loads((folder / CONFIG).read_bytes())),
        release=release.close,
    )


def _user(engine: "Engine", container: Container) -> User:
    files = ContainerFiles(engine.store, container.id, top_layer(container))
    config = container.config
    return resolve_user(config.user, config.group_add, files.read_lines)


def _init(container: Container) -> str:
    """The init to put in front; with somebody else's processes there is one already."""
    if not container.config.init or container.config.pid_mode:
        return ""
    program = init_program()
    if not program:
        raise NoInitProgram
    return program


def _shared_memory(engine: "Engine", container: Container) -> UserMount | None:
    """What is /dev/shm where it is not the container's alone."""
    config, store = container.config, engine.store
    if config.ipc_mode == "host":
        return _shm_at("/dev/shm")
    if name := container_of(config.ipc_mode):
        other = joined_container(store, name, "ipc", container.id)
        return _shm_at(os.fspath(store.container_run_folder(other.id) / "shm"))
    if config.ipc_mode != "shareable":
        return None
    folder = store.container_run_folder(container.id) / "shm"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    flags = MountFlag.NOSUID | MountFlag.NODEV | MountFlag.NOEXEC
    mount("tmpfs", "shm", folder, flags, f"mode=1777,size={config.shm_size}")
    return _shm_at(os.fspath(folder))


def _shm_at(source: str) -> UserMount:
    return UserMount(destination="/dev/shm", source=source, propagation="rprivate")


def _write_config(engine: "Engine", container: Container, spec: Spec) -> None:
    text = json.dumps(to_json(spec), separators=(",", ":"))
    path = engine.store.container_folder(container.id) / CONFIG
    write_atomically(path, text.encode(errors="surrogateescape"), mode=0o600, durable=False)
