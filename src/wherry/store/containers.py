"""Rows of containers: what each was made from, and how it is.

A row's `config` never changes, but for `update`, `rename` and the policy they touch. Its state
is written by whoever holds the container's shim lock, or by a command that has found the lock
free. That a row says "running" proves nothing: `shim_pid_of` asks the kernel who holds the lock.
"""

import _sqlite3 as sqlite3
import fcntl
import json
import os
import struct
from collections.abc import Collection, Iterator
from enum import Enum
from functools import lru_cache
from pathlib import Path

from wherry.errors import Conflict, InvalidArgument, NotFound
from wherry.oci.codec import from_json, to_json
from wherry.oci.container_config import ContainerConfig
from wherry.store.store import Store
from wherry.store.volumes import delete_unused
from wherry.typed import Any
from wherry.values import dataclass, field, replace

SCHEMA = """
CREATE TABLE containers (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    image_id TEXT NOT NULL,
    created TEXT NOT NULL,
    status TEXT NOT NULL,
    auto_remove INTEGER NOT NULL,
    config TEXT NOT NULL,
    details TEXT NOT NULL,
    state TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX containers_by_status ON containers (status);
CREATE INDEX containers_by_image ON containers (image_id)
"""

_REMEMBERED = 256  # values of each kind
NEVER = "0001-01-01T00:00:00Z"


class Status(Enum):
    """Docker's State.Status.

    created ──> running <──> paused
       ^          │  ^
       │          v  │ (policy)
    (failed)   exited, restarting ──> removing ──> (no row)
    """

    CREATED = "created"
    RUNNING = "running"
    PAUSED = "paused"
    RESTARTING = "restarting"
    REMOVING = "removing"
    EXITED = "exited"
    DEAD = "dead"

    @property
    def has_process(self) -> bool:
        return self in (Status.RUNNING, Status.PAUSED)

    @property
    def has_shim(self) -> bool:
        return self in (Status.RUNNING, Status.PAUSED, Status.RESTARTING)

    @property
    def can_start(self) -> bool:
        return self in (Status.CREATED, Status.EXITED)


@dataclass(frozen=True, kw_only=True, slots=True)
class HealthResult:
    start: str
    end: str
    exit_code: int
    output: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Health:
    status: str = "none"  # none, starting, healthy, unhealthy
    failing_streak: int = 0
    log: tuple[HealthResult, ...] = ()  # the last five


@dataclass(frozen=True, kw_only=True, slots=True)
class State:
    """What changes while a container lives. Times are RFC 3339 with nanoseconds, in UTC."""

    status: Status = Status.CREATED
    pid: int = 0
    pid_start_time: int = 0  # field 22 of /proc/PID/stat: tells a reused number from the process
    exit_code: int = 0
    error: str = ""
    oom_killed: bool = False
    started_at: str = NEVER
    finished_at: str = NEVER
    restart_count: int = 0
    stop_requested: bool = False  # stopped by hand: policy leaves it down until a reboot
    health: Health | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class MountPoint:
    """A mount as it came out: what inspect lists under Mounts and the spec was made from."""

    type: str
    destination: str
    source: str = ""  # on the host
    name: str = ""  # of the volume
    driver: str = ""
    mode: str = ""
    writable: bool = True
    propagation: str = ""
    anonymous: bool = False  # removed with the container by rm -v and --rm


@dataclass(frozen=True, kw_only=True, slots=True)
class Details:
    """What the engine worked out at create."""

    image_name: str = ""  # as ps shows it
    path: str = ""
    args: tuple[str, ...] = ()
    layer_chain: str = ""  # chain ID of the topmost image layer; "" for an image without layers
    mounts: tuple[MountPoint, ...] = ()
    extra: dict[str, object] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Container:
    """A row. `name` is without the leading slash that Docker's documents show."""

    id: str
    name: str
    image_id: str  # sha256:...
    created: str
    config: ContainerConfig
    details: Details
    state: State

    @property
    def status(self) -> Status:
        return self.state.status


class NoSuchContainer(NotFound):
    def __init__(self, name: str) -> None:
        super().__init__(f"No such container: {name}")
        self.name = name


class NoContainerNamed(InvalidArgument):
    """An empty name; in words of Docker's client, which sends no request with one."""

    def __init__(self) -> None:
        super().__init__("invalid container name or ID: value is empty")


class AmbiguousContainer(InvalidArgument):
    def __init__(self, prefix: str) -> None:
        super().__init__(f"Multiple IDs found with provided prefix: {prefix}")


class NameInUse(Conflict):
    def __init__(self, name: str, owner_id: str) -> None:
        super().__init__(
            f'Conflict. The container name "/{name}" is already in use by container "{owner_id}". '
            "You have to remove (or rename) that container to be able to reuse that name."
        )


def insert_container(store: Store, container: Container, staged: Path | None = None) -> None:
    """Make the container exist, with `staged` as its folder, or raise NameInUse."""
    with store.database.write() as connection:
        owner = connection.execute(
            "SELECT id FROM containers WHERE name = ?", (container.name,)
        ).fetchone()
        if owner is not None:
            raise NameInUse(container.name, owner["id"])
        connection.execute(
            "INSERT INTO containers VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                container.id,
                container.name,
                container.image_id,
                container.created,
                container.status.value,
                container.config.auto_remove,
                _dump(container.config),
                _dump(container.details),
                _dump(container.state),
            ),
        )
        if staged is not None:
            os.rename(staged, store.container_folder(container.id))
            store.trace("container in place")


def find_container(store: Store, name: str) -> Container:
    """The container of this full ID, name, or unambiguous ID prefix, in that order."""
    connection = store.database.connection
    name = name.removeprefix("/")
    if not name.strip():
        raise NoContainerNamed
    row = connection.execute(
        "SELECT * FROM containers WHERE id = ? OR name = ? ORDER BY id = ? DESC LIMIT 1",
        (name, name, name),
    ).fetchone()
    if row is None and name and all(digit in "0123456789abcdef" for digit in name):
        rows = connection.execute(
            "SELECT * FROM containers WHERE id >= ? AND id < ? LIMIT 2", (name, name + "g")
        ).fetchall()
        if len(rows) > 1:
            raise AmbiguousContainer(name)
        row = rows[0] if rows else None
    if row is None:
        raise NoSuchContainer(name)
    return _container(row)


def list_containers(store: Store) -> Iterator[Container]:
    """Every container, newest first."""
    rows = store.database.connection.execute("SELECT * FROM containers ORDER BY created DESC")
    return map(_container, rows)


def supervised_ids(store: Store) -> set[str]:
    """The containers whose rows say that somebody supervises them."""
    statuses = [status.value for status in Status if status.has_shim]
    rows = store.database.connection.execute(
        f"SELECT id FROM containers WHERE status IN ({', '.join('?' * len(statuses))})", statuses
    )
    return {row["id"] for row in rows}


def update_state(store: Store, container_id: str, **changes: Any) -> Container:
    """Change fields of the state; the row as it is afterwards."""
    with store.database.write() as connection:
        row = connection.execute(
            "SELECT * FROM containers WHERE id = ?", (container_id,)
        ).fetchone()
        if row is None:
            raise NoSuchContainer(container_id)
        container = _container(row)
        state = replace(container.state, **changes)
        connection.execute(
            "UPDATE containers SET status = ?, state = ? WHERE id = ?",
            (state.status.value, _dump(state), container_id),
        )
    return replace(container, state=state)


def update_config(store: Store, container_id: str, config: ContainerConfig) -> None:
    """Replace the configuration, for `update`."""
    with store.database.write() as connection:
        connection.execute(
            "UPDATE containers SET config = ?, auto_remove = ? WHERE id = ?",
            (_dump(config), config.auto_remove, container_id),
        )


def rename_container(store: Store, container_id: str, name: str) -> None:
    with store.database.write() as connection:
        owner = connection.execute("SELECT id FROM containers WHERE name = ?", (name,)).fetchone()
        if owner is not None:
            raise NameInUse(name, owner["id"])
        connection.execute("UPDATE containers SET name = ? WHERE id = ?", (name, container_id))


def delete_container(store: Store, container_id: str, volumes: Collection[str] = ()) -> list[str]:
    """Forget the container, and those of its `volumes` that no other one has; which these are.

    What was theirs on disk is garbage from here on.
    """
    with store.database.write() as connection:
        connection.execute("DELETE FROM containers WHERE id = ?", (container_id,))
        return delete_unused(connection, volumes)


def shim_pid_of(store: Store, container_id: str) -> int:
    """The process that supervises the container now, or 0: who holds its lock, fcntl(2).

    A record lock dies with its process and is never inherited by a fork, so this is the truth.
    -1 is somebody who keeps it from running for a moment.
    """
    try:
        descriptor = os.open(
            store.container_run_folder(container_id) / "shim.lock", os.O_RDWR | os.O_CLOEXEC
        )
    except FileNotFoundError:
        return 0
    try:
        answer = fcntl.fcntl(
            descriptor, fcntl.F_GETLK, struct.pack("hhqqi4x", fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
        )
    finally:
        os.close(descriptor)
    kind, _, _, _, pid = struct.unpack("hhqqi4x", answer)
    return 0 if kind == fcntl.F_UNLCK else int(pid)


def _container(row: sqlite3.Row) -> Container:
    return Container(
        id=row["id"],
        name=row["name"],
        image_id=row["image_id"],
        created=row["created"],
        config=_config_of(row["config"]),
        details=_details_of(row["details"]),
        state=_state_of(row["state"]),
    )


# What a text says never changes, nor does the value that is made of it: a service that lists the
# same containers over and over makes each once.


@lru_cache(_REMEMBERED)
def _config_of(text: str) -> ContainerConfig:
    return from_json(ContainerConfig, json.loads(text))


@lru_cache(_REMEMBERED)
def _details_of(text: str) -> Details:
    return from_json(Details, json.loads(text))


@lru_cache(_REMEMBERED)
def _state_of(text: str) -> State:
    return from_json(State, json.loads(text))


def _dump(value: object) -> str:
    return json.dumps(to_json(value), separators=(",", ":"))
