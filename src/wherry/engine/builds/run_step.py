"""Carrying out the RUN of a build: a container without a row, with Docker's confinement.

Its run folder and lock are those of a container, so that what a killed builder leaves behind (a
process, a cgroup, an address) is put right by whoever reconciles next.
"""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from wherry.build.executor import Output, RunRequest, StepMount
from wherry.build.owners import lines_in
from wherry.engine.builds.follow import Started, follow
from wherry.engine.builds.options import BuildOptions
from wherry.engine.containers.cgroups import cgroup_path
from wherry.engine.containers.complete import complete_defaults
from wherry.engine.containers.create import ROOTFS
from wherry.engine.containers.options.modes import container_of
from wherry.engine.containers.options.resources import parse_ulimit
from wherry.engine.containers.spec.build import Moment, build_spec
from wherry.engine.containers.spec.mounts import UserMount
from wherry.engine.containers.spec.namespaces import container_namespaces
from wherry.engine.containers.start_network import prepare_network
from wherry.engine.reconcile import reconcile
from wherry.errors import WherryError
from wherry.linux.cgroup.manager import CgroupManager, open_manager
from wherry.linux.files import remove_tree
from wherry.linux.namespaces import CloneFlag, open_namespace
from wherry.linux.openat import opened
from wherry.network.connected import Connected
from wherry.network.names import parse_extra_host
from wherry.oci.container_config import ContainerConfig, ResourceLimits
from wherry.oci.runtime_spec import User
from wherry.oci.users import resolve_user
from wherry.runtime.create import create_container
from wherry.runtime.stdio import INHERITED, Stdio
from wherry.shim.lock import take_new_shim_lock
from wherry.shim.start import start_error
from wherry.store.containers import Container, Details, State
from wherry.store.networks import release_endpoints
from wherry.store.snapshots import layer_mount, open_view
from wherry.store.store import Store
from wherry.values import replace

if TYPE_CHECKING:
    from wherry.engine.engine import Engine

HOSTNAME = "buildkitsandbox"  # one for all builds, and the one that Docker's builds see
_EMPTYING = 10.0  # seconds for killed processes to be gone


def run_settings(options: BuildOptions) -> ContainerConfig:
    """What every RUN's container has."""
    limits = ResourceLimits(
        memory=options.memory,
        memory_swap=options.memory_swap,
        cpu_period=options.cpu_period,
        cpu_quota=options.cpu_quota,
        cpu_shares=options.cpu_shares,
        cpuset_cpus=options.cpuset_cpus,
        cpuset_mems=options.cpuset_mems,
        cgroup_parent=options.cgroup_parent,
        ulimits=tuple(map(parse_ulimit, options.ulimits)),
    )
    hosts = tuple(map(parse_extra_host, options.add_hosts))
    return ContainerConfig(image="", extra_hosts=hosts, limits=limits, shm_size=options.shm_size)


class StepExecutor:
    """What `wherry.build` runs commands with."""

    def __init__(self, engine: "Engine", options: BuildOptions) -> None:
        self._engine = engine
        self._settings = run_settings(options)
        reconcile(engine)

    def run(self, request: RunRequest, output: Output) -> int:
        """See `wherry.build.executor`."""
        with _Pipes() as pipes, self._started(request, pipes.theirs) as start:
            started = start()
            pipes.close_theirs()
            return follow(self._engine.store, started, pipes.readers, output)

    def attach(self, request: RunRequest) -> int:
        """See `wherry.build.executor`."""
        # ctrl-c is for the shell's user to press; the shell itself has no terminal that sends it.
        before = signal.signal(signal.SIGINT, signal.SIG_IGN)
        try:
            with self._started(request, INHERITED) as start:
                return follow(self._engine.store, start(), {}, lambda _stream, _data: None)
        finally:
            signal.signal(signal.SIGINT, before)

    @contextmanager
    def _started(self, request: RunRequest, stdio: Stdio) -> Iterator[Callable[[], Started]]:
        """What starts the command, once; at the end of the block nothing of it is left."""
        store = self._engine.store
        container = self._container(request)
        with ExitStack() as undo:
            undo.callback(os.close, take_new_shim_lock(store, container.id))
            folder = store.container_run_folder(container.id)
            cgroup = open_manager(cgroup_path(container.id, container.config.limits.cgroup_parent))
            undo.callback(_let_go, store, container.id, folder, cgroup)
            (folder / ROOTFS).mkdir()
            undo.callback(_delete, cgroup)

            def start() -> Started:
                started = self._create(request, container, folder, cgroup, stdio)
                undo.callback(os.close, started.created.pidfd)
                return started

            yield start

    def _container(self, request: RunRequest) -> Container:
        container_id = os.urandom(32).hex()
        config = replace(
            self._settings,
            env=("HOSTNAME", *request.environment),  # which builds do not see
            working_dir=request.working_directory,
            user=request.user,
            hostname=HOSTNAME,
            network_mode=request.network,
            privileged=request.insecure,
        )
        return Container(
            id=container_id,
            name="",
            image_id="",
            created="",
            config=complete_defaults(config, container_id),
            details=Details(path=request.arguments[0], args=request.arguments[1:]),
            state=State(),
        )

    def _create(
        self,
        request: RunRequest,
        container: Container,
        folder: Path,
        cgroup: CgroupManager,
        stdio: Stdio,
    ) -> Started:
        store = self._engine.store
        network = prepare_network(self._engine, container, folder)
        own = [_user_mount(mount) for mount in request.mounts]
        spec = build_spec(
            container,
            ROOTFS,
            Moment(
                user=self._user(request),
                hostname=network.hostname,
                namespaces=container_namespaces(store, container.config, container.id),
                mounts=(*own, *network.mounts(own)),
            ),
        )

        connected = Connected()

        def connect(pid: int) -> None:
            nonlocal connected
            with opened(open_namespace(pid, CloneFlag.NEWNET)) as namespace:
                connected = network.connect(namespace)

        mode = container.config.network_mode
        private = mode != "host" and not container_of(mode)
        try:
            created = create_container(
                container.id,
                spec,
                bundle=folder,
                cgroup=cgroup,
                stdio=stdio,
                root_mounts=(layer_mount(store, request.folder, request.top),),
                on_namespaces=connect if private else None,
                seccomp_cache=store.root / "seccomp",
            )
            try:
                created.start()
            except BaseException:
                os.close(created.pidfd)
                raise
        except WherryError as error:
            connected.close()
            raise start_error(error) from error
        return Started(container.id, created, connected)

    def _user(self, request: RunRequest) -> User:
        if not request.user:
            return User(additional_gids=(0,))
        with opened(open_view(self._engine.store, request.top)) as view:
            return resolve_user(request.user, (), lambda path: lines_in(view, path))


def _user_mount(mount: StepMount) -> UserMount:
    return UserMount(
        destination=mount.target,
        source=mount.source,
        type=mount.type,
        writable=not mount.read_only,
        options=mount.options,
    )


class _Pipes:
    """Where the command writes, and nothing to read."""

    def __init__(self) -> None:
        self.readers: dict[int, int] = {}
        self._theirs: list[int] = []

    def __enter__(self) -> "_Pipes":
        self._theirs.append(os.open("/dev/null", os.O_RDONLY | os.O_CLOEXEC))
        for stream in (1, 2):
            reader, writer = os.pipe2(os.O_CLOEXEC)
            self.readers[reader] = stream
            self._theirs.append(writer)
        return self

    def __exit__(self, *_error: object) -> None:
        self.close_theirs()
        for reader in self.readers:
            os.close(reader)

    @property
    def theirs(self) -> Stdio:
        stdin, stdout, stderr = self._theirs
        return Stdio(stdin=stdin, stdout=stdout, stderr=stderr)

    def close_theirs(self) -> None:
        while self._theirs:
            os.close(self._theirs.pop())


def _let_go(store: Store, container_id: str, folder: Path, cgroup: CgroupManager) -> None:
    if cgroup.exists:
        # Another interrupt came while it was cleared up: its run folder tells whoever reconciles.
        return
    try:
        release_endpoints(store, container_id)
    except (WherryError, OSError):
        # As on a full disk. With its run folder left there, whoever reconciles next does it.
        return
    remove_tree(folder)


def _delete(cgroup: CgroupManager) -> None:
    if cgroup.exists:
        cgroup.signal_all(signal.SIGKILL)
        cgroup.wait_until_empty(_EMPTYING)
        cgroup.delete()
