"""Volumes: folders that outlive containers, `volumes/<name>/_data`, and their rows.

A volume with the local driver's options `type`, `o` and `device` is a mount rather than a folder;
`mount_of` tells which, and whoever starts a container performs it on the mountpoint.

Who uses a volume is not counted: it follows from the rows of containers, so no crash can make
the count wrong.
"""

import _sqlite3 as sqlite3
import json
import os
import re
import time
from collections.abc import Collection, Mapping
from contextlib import suppress
from pathlib import Path

from wherry.errors import Conflict, InvalidArgument, NotFound
from wherry.linux.files import exchange
from wherry.oci.mount import Mount
from wherry.oci.timestamps import format_timestamp
from wherry.store.store import Store
from wherry.values import dataclass, field, replace

SCHEMA = """
CREATE TABLE volumes (
    name TEXT PRIMARY KEY,
    driver TEXT NOT NULL,
    created TEXT NOT NULL,
    anonymous INTEGER NOT NULL,
    options TEXT NOT NULL,
    labels TEXT NOT NULL
) WITHOUT ROWID
"""

ANONYMOUS_LABEL = "com.docker.volume.anonymous"

_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]*")
_OPTIONS = ("type", "o", "device")


@dataclass(frozen=True, kw_only=True, slots=True)
class Volume:
    """A row. `created` is RFC 3339 in UTC."""

    name: str
    driver: str = "local"
    created: str = ""
    anonymous: bool = False
    options: dict[str, str] = field(default_factory=dict)
    labels: dict[str, str] = field(default_factory=dict)


class NoSuchVolume(NotFound):
    def __init__(self, name: str) -> None:
        super().__init__(f"get {name}: no such volume")
        self.name = name


class VolumeInUse(Conflict):
    def __init__(self, name: str, container_ids: list[str]) -> None:
        super().__init__(f"remove {name}: volume is in use - [{', '.join(container_ids)}]")
        self.name = name
        self.container_ids = container_ids


class VolumeExists(Conflict):
    def __init__(self, name: str) -> None:
        super().__init__(f"a volume named {name} already exists")
        self.name = name


class InvalidVolume(InvalidArgument):
    def __init__(self, name: str, fault: str) -> None:
        super().__init__(f"create {name}: {fault}")
        self.name = name


def create_volume(
    store: Store,
    name: str = "",
    *,
    driver: str = "local",
    options: Mapping[str, str] | None = None,
    labels: Mapping[str, str] | None = None,
) -> tuple[Volume, bool]:
    """The volume of this name, and whether it is new. Without a name it is anonymous.

    One that is there already is returned as it is, as Docker does, unless another driver is meant.
    """
    anonymous = not name
    volume = Volume(
        name=name or os.urandom(32).hex(),
        driver=driver or "local",
        created=format_timestamp(time.time_ns()),
        anonymous=anonymous,
        options=dict(options or {}),
        labels=dict(labels or {}) | ({ANONYMOUS_LABEL: ""} if anonymous else {}),
    )
    existing = _row(store.database.connection, volume.name)
    if existing is not None and existing.driver == volume.driver:
        return existing, False
    check_volume(volume)
    # A staging folder, so that what a kill leaves of this is found.
    with store.staging_folder() as staging:
        placed: os.stat_result | None = None
        try:
            with store.database.write() as connection:
                existing = _row(connection, volume.name)
                if existing is None:
                    placed = _put_in_place(store, volume.name, staging)
                    _insert(connection, volume)
        except BaseException:
            # Another process may have made it since: what is there is then not ours.
            folder = store.root / "volumes" / volume.name
            if placed is not None and os.path.samestat(placed, folder.stat()):
                _move_content(store, volume.name, staging / "undone")
            raise
    return (existing or volume), existing is None


def check_volume(volume: Volume) -> None:
    """Raise InvalidVolume or NotFound, in Docker's words, for what the driver refuses."""
    name = volume.name
    if volume.driver != "local":
        raise NotFound(
            f"create {name}: error looking up volume plugin {volume.driver}:"
            f' plugin "{volume.driver}" not found'
        )
    if len(name) < 2:
        raise InvalidVolume(
            name, "volume name is too short, names should be at least two alphanumeric characters"
        )
    if not _NAME.fullmatch(name):
        raise InvalidVolume(
            name,
            f'"{name}" includes invalid characters for a local volume name, only'
            ' "[a-zA-Z0-9][a-zA-Z0-9_.-]" are allowed. If you intended to pass a host directory,'
            " use absolute path",
        )
    for key in volume.options:
        if key not in (*_OPTIONS, "size"):
            raise InvalidVolume(name, f'invalid option: "{key}"')
    if volume.options.keys() & set(_OPTIONS):
        for key in ("device", "type"):
            # A bind mount has no type worth naming; Docker asks for one all the same.
            if not volume.options.get(key):
                raise InvalidVolume(name, f'missing required option: "{key}"')
    if "size" in volume.options:  # a quota of xfs, in Docker
        raise InvalidVolume(name, "quota size requested but no quota support")


def get_volume(store: Store, name: str) -> Volume:
    """The volume of this name, or NoSuchVolume."""
    volume = _row(store.database.connection, name)
    if volume is None:
        raise NoSuchVolume(name)
    return volume


def list_volumes(store: Store) -> list[Volume]:
    """Every volume, by name."""
    rows = store.database.connection.execute("SELECT * FROM volumes ORDER BY name")
    return [_volume(row) for row in rows]


def users_of_volumes(store: Store) -> dict[str, list[str]]:
    """The containers, running or not, that have each volume; unused volumes are left out."""
    return _users(store.database.connection)


def _users(connection: sqlite3.Connection) -> dict[str, list[str]]:
    users: dict[str, list[str]] = {}
    for row in connection.execute(
        "SELECT containers.id, json_extract(mount.value, '$.name') AS name"
        " FROM containers, json_each(containers.details, '$.mounts') AS mount"
        " WHERE json_extract(mount.value, '$.type') = 'volume'"
    ):
        users.setdefault(row["name"], []).append(row["id"])
    return users


def remove_volume(store: Store, name: str) -> None:
    """Remove the volume and what is in it; VolumeInUse while a container has it."""
    with store.staging_folder() as staging:
        with store.database.write() as connection:
            if _row(connection, name) is None:
                raise NoSuchVolume(name)
            users = users_of_volumes(store).get(name)
            if users:
                raise VolumeInUse(name, users)
            connection.execute("DELETE FROM volumes WHERE name = ?", (name,))
        store.trace("volume forgotten")
        _move_content(store, name, staging / "gone")


def adopt_volume(store: Store, volume: Volume, staged: Path) -> None:
    """Make `staged`, a folder in tmp with the content, a volume; VolumeExists if there is one."""
    with store.staging_folder() as staging, store.database.write() as connection:
        if _row(connection, volume.name) is not None:
            raise VolumeExists(volume.name)
        _put_in_place(store, volume.name, staging)
        os.rename(staged, data_folder(store, volume.name))  # the empty one gives way
        _insert(connection, volume)


def rename_volume(store: Store, old: str, new: str) -> Volume:
    """Give a volume that no container has another name.

    The folder under its new name and a link to it under the old one appear in one step, before the
    row changes: a kill in between leaves the old volume whole, see `finish_renames`.
    """
    with store.staging_folder() as staging, store.database.write() as connection:
        volume = _row(connection, old)
        if volume is None:
            raise NoSuchVolume(old)
        renamed = replace(volume, name=new, anonymous=False)
        check_volume(renamed)
        if _row(connection, new) is not None:
            raise VolumeExists(new)
        users = users_of_volumes(store).get(old)
        if users:
            raise VolumeInUse(old, users)
        before, after = store.root / "volumes" / old, store.root / "volumes" / new
        _move_content(store, new, staging / "old")
        os.symlink(new, after)
        exchange(before, after)
        connection.execute("UPDATE volumes SET name = ?, anonymous = 0 WHERE name = ?", (new, old))
    before.unlink()
    return renamed


def finish_renames(store: Store, known: Collection[str]) -> None:
    """Give the content back to the volumes, of those with rows, whose renaming was killed."""
    folder = store.root / "volumes"
    with os.scandir(folder) as entries:
        links = [each.name for each in entries if each.is_symlink()]
    for link in links:
        name = os.readlink(folder / link)
        if link in known and name not in known and (folder / name).is_dir():
            exchange(folder / link, folder / name)


def delete_unused(connection: sqlite3.Connection, names: Collection[str]) -> list[str]:
    """Forget those of the volumes that no container has, for `remove_content`; which these are."""
    unused = sorted(set(names) - _users(connection).keys()) if names else []
    connection.executemany("DELETE FROM volumes WHERE name = ?", [(name,) for name in unused])
    return unused


def remove_content(store: Store, name: str) -> None:
    """Remove the folder of a volume whose row is gone; none there is fine."""
    with store.staging_folder() as staging:
        _move_content(store, name, staging / "gone")


def _put_in_place(store: Store, name: str, staging: Path) -> os.stat_result:
    """Make the folder of a volume whose row is about to be committed."""
    # A folder without a row is what a killed removal left; its content must not come back.
    _move_content(store, name, staging / "old")
    (staging / "new" / "_data").mkdir(parents=True)
    (staging / "new").chmod(0o701)  # through, but not into, as in Docker
    placed = (staging / "new").stat()
    os.rename(staging / "new", store.root / "volumes" / name)
    store.trace("volume in place")
    return placed


def _insert(connection: sqlite3.Connection, volume: Volume) -> None:
    connection.execute(
        "INSERT INTO volumes VALUES (?, ?, ?, ?, ?, ?)",
        (
            volume.name,
            volume.driver,
            volume.created,
            volume.anonymous,
            json.dumps(volume.options),
            json.dumps(volume.labels),
        ),
    )


def _move_content(store: Store, name: str, target: Path) -> None:
    """Move the volume's folder, if there is one, so that a new one of its name can be made."""
    folder = store.root / "volumes" / name
    if os.path.lexists(folder):
        rows = store.database.connection.execute("SELECT name FROM volumes")
        finish_renames(store, {row["name"] for row in rows} - {name})
    with suppress(FileNotFoundError):
        os.rename(folder, target)


def data_folder(store: Store, name: str) -> Path:
    """Where the volume's content is; what inspect calls its Mountpoint."""
    return store.root / "volumes" / name / "_data"


def mount_of(store: Store, volume: Volume) -> Mount | None:
    """The mount to perform on the volume's folder before use; None if the folder is the volume."""
    if not volume.options:
        return None
    kind = volume.options["type"]
    options = tuple(filter(None, volume.options.get("o", "").split(",")))
    if kind == "none" and not {"bind", "rbind"}.intersection(options):
        options = ("bind", *options)
    return Mount(
        type="" if kind == "none" else kind,
        source=volume.options["device"],
        target=str(data_folder(store, volume.name)),
        options=options,
    )


def _row(connection: sqlite3.Connection, name: str) -> Volume | None:
    row = connection.execute("SELECT * FROM volumes WHERE name = ?", (name,)).fetchone()
    return None if row is None else _volume(row)


def _volume(row: sqlite3.Row) -> Volume:
    return Volume(
        name=row["name"],
        driver=row["driver"],
        created=row["created"],
        anonymous=bool(row["anonymous"]),
        options=json.loads(row["options"]),
        labels=json.loads(row["labels"]),
    )
