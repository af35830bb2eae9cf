"""A container as the Python API hands it out: its name with the operations on it.

    with engine.containers.run("postgres", detach=True, env={"POSTGRES_PASSWORD": "x"}) as db:
        db.exec(["pg_isready"])

As a context manager it lasts as long as the block, and no longer than this process.
"""

import builtins
from collections.abc import Iterable, Iterator, Mapping, Sequence
from os import PathLike, fspath
from typing import TYPE_CHECKING, Self

from wherry.engine.containers.collect import Collected, collect
from wherry.engine.containers.commit import commit_container
from wherry.engine.containers.copy import copy_in, copy_out
from wherry.engine.containers.exec import exec_in_container
from wherry.engine.containers.guard import guard_container
from wherry.engine.containers.inspect import inspect_container
from wherry.engine.containers.kill import kill_container
from wherry.engine.containers.logs import container_logs
from wherry.engine.containers.options.update import update_from_options
from wherry.engine.containers.pause import pause_container
from wherry.engine.containers.port import port_mappings
from wherry.engine.containers.remove import remove_container
from wherry.engine.containers.rename import rename_container
from wherry.engine.containers.restart import restart_container
from wherry.engine.containers.start import start_attached, start_container
from wherry.engine.containers.stats import container_stats
from wherry.engine.containers.stop import stop_container
from wherry.engine.containers.unpause import unpause_container
from wherry.engine.containers.update import update_container
from wherry.engine.containers.wait import wait_container
from wherry.engine.images.tag import parse_tag
from wherry.errors import NotFound, WherryError
from wherry.oci.container_config import ContainerConfig
from wherry.shim.client import Connection
from wherry.shim.log.reader import ALL, LogRequest
from wherry.store.containers import Container, Details, State, Status, find_container
from wherry.store.published_ports import PublishedPort
from wherry.values import dataclass

if TYPE_CHECKING:
    from wherry.engine.engine import Engine


class ContainerFailed(WherryError):
    """A program that was run for its output ended with another code than 0."""

    def __init__(self, name: str, ended: Collected) -> None:
        last = ended.stderr.decode(errors="replace").strip().rpartition("\n")[2]
        super().__init__(
            f"container {name} ended with code {ended.exit_code}" + (f": {last}" if last else "")
        )
        self.exit_status = ended.exit_code
        self.stdout = ended.stdout
        self.stderr = ended.stderr


@dataclass(frozen=True, kw_only=True, slots=True)
class ExecResult:
    """What a process run by `exec` came to. With a terminal all output is in `stdout`."""

    exit_code: int
    stdout: bytes
    stderr: bytes

    @property
    def output(self) -> str:
        """Standard output as text; what is not UTF-8 is replaced."""
        return self.stdout.decode(errors="replace")


class ContainerHandle:
    """One container. What it is asked to be is fixed; its state is looked up at each question."""

    def __init__(self, engine: "Engine", container: Container) -> None:
        self._engine = engine
        self._made = container
        self._guard: Connection | None = None

    def __repr__(self) -> str:
        return f"<Container {self._made.id[:12]} {self._made.name}>"

    # ---- what it is

    @property
    def id(self) -> str:
        return self._made.id

    @property
    def image_id(self) -> str:
        return self._made.image_id

    @property
    def created(self) -> str:
        return self._made.created

    @property
    def details(self) -> Details:
        return self._made.details

    @property
    def row(self) -> Container:
        """Everything the store has about it now, or NoSuchContainer."""
        return find_container(self._engine.store, self.id)

    @property
    def name(self) -> str:
        return self.row.name

    @property
    def config(self) -> ContainerConfig:
        return self.row.config

    @property
    def state(self) -> State:
        return self.row.state

    @property
    def status(self) -> Status:
        return self.row.status

    @property
    def ports(self) -> builtins.list[PublishedPort]:
        """Where its ports are published on the host now."""
        return port_mappings(self._engine, self.id)

    def inspect(self, *, size: bool = False) -> dict[str, object]:
        """Docker's document about it."""
        return inspect_container(self._engine, self.id, size=size)

    def stats(self) -> dict[str, object]:
        """Docker's statistics, over the second that this takes."""
        return container_stats(self._engine, self.id)

    # ---- what it does

    def start(self) -> None:
        start_container(self._engine, self.id)

    def run(self, stdin: bytes | None = None) -> Collected:
        """Start it and wait for its end; what it writes is returned."""
        connection = start_attached(self._engine, self.id, stdin=stdin is not None)
        return collect(connection, stdin)

    def exec(
        self,
        command: Sequence[str],
        *,
        stdin: bytes | None = None,
        user: str = "",
        workdir: str = "",
        env: Mapping[str, str] | Iterable[str] = (),
        privileged: bool = False,
        tty: bool = False,
    ) -> ExecResult:
        """Run another program in it and wait for that to end."""
        connection = exec_in_container(
            self._engine,
            self.id,
            command,
            user=user,
            workdir=workdir,
            env=[f"{k}={v}" for k, v in env.items()] if isinstance(env, Mapping) else list(env),
            privileged=privileged,
            tty=tty,
            interactive=stdin is not None,
        )
        ended = collect(connection, stdin)
        return ExecResult(exit_code=ended.exit_code, stdout=ended.stdout, stderr=ended.stderr)

    def logs(
        self,
        *,
        stdout: bool = True,
        stderr: bool = True,
        timestamps: bool = False,
        tail: int = ALL,
    ) -> bytes:
        """What it has written so far, as its log has it."""
        request = LogRequest(stdout=stdout, stderr=stderr, timestamps=timestamps, tail=tail)
        return b"".join(body for _, body in container_logs(self._engine, self.id, request))

    def follow_logs(self, *, stdout: bool = True, stderr: bool = True) -> Iterator[bytes]:
        """Its log and what is added to it, in pieces, until it stops."""
        request = LogRequest(stdout=stdout, stderr=stderr)
        for _, body in container_logs(self._engine, self.id, request, follow=True):
            yield body

    def wait(self, condition: str = "not-running") -> int:
        """Its exit code, once it has stopped; see `wait_container` for other conditions."""
        return wait_container(self._engine, self.id, condition)

    def stop(self, *, signal: str = "", timeout: float | None = None) -> None:
        """End it in good order, by force after `timeout` seconds."""
        stop_container(self._engine, self.id, signal=signal, timeout=timeout)

    def kill(self, signal: str = "KILL") -> None:
        kill_container(self._engine, self.id, signal)

    def restart(self, *, signal: str = "", timeout: float | None = None) -> None:
        restart_container(self._engine, self.id, signal=signal, timeout=timeout)

    def pause(self) -> None:
        pause_container(self._engine, self.id)

    def unpause(self) -> None:
        unpause_container(self._engine, self.id)

    def rename(self, name: str) -> None:
        rename_container(self._engine, self.id, name)

    def update(self, **options: object) -> builtins.list[str]:
        """Change limits and the restart policy: `memory="64m"`, `cpus=0.5`, `restart="always"`.

        Options are the long flags of `wherry update`. What this kernel will not keep is returned,
        in Docker's sentences.
        """
        limits, policy = update_from_options(options)
        return update_container(self._engine, self.id, limits, policy)

    def copy_in(self, source: str | PathLike[str], path: str, *, follow: bool = False) -> None:
        """Copy the local `source` to `path` in the container, as `wherry cp` does."""
        copy_in(self._engine, fspath(source), self.id, path, follow=follow)

    def copy_out(self, path: str, target: str | PathLike[str], *, follow: bool = False) -> None:
        """Copy `path` of the container to the local `target`, as `wherry cp` does."""
        copy_out(self._engine, self.id, path, fspath(target), follow=follow)

    def commit(
        self,
        tag: str = "",
        *,
        author: str = "",
        message: str = "",
        changes: Iterable[str] = (),
        pause: bool = True,
    ) -> str:
        """Make an image of what the container has become; its ID."""
        image_id = commit_container(
            self._engine,
            self.id,
            parse_tag(tag) if tag else None,
            author=author,
            message=message,
            changes=changes,
            pause=pause,
        )
        return str(image_id)

    def remove(self, *, force: bool = False, volumes: bool = False) -> None:
        remove_container(self._engine, self.id, force=force, volumes=volumes)

    # ---- how long it lasts

    def __enter__(self) -> Self:
        self._guard = guard_container(self._engine, self.id)
        return self

    def __exit__(self, *_error: object) -> None:
        try:
            self.remove(force=True, volumes=True)
        except NotFound:
            pass  # with --rm, or removed inside the block
        finally:
            if self._guard is not None:
                self._guard.close()
                self._guard = None
