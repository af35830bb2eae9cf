"""Rows of containers: names, prefixes, states, and who holds the lock."""

import fcntl
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from wherry.oci.container_config import ContainerConfig
from wherry.store.containers import (
    AmbiguousContainer,
    Container,
    Details,
    NameInUse,
    NoSuchContainer,
    State,
    Status,
    delete_container,
    find_container,
    insert_container,
    list_containers,
    rename_container,
    shim_pid_of,
    update_state,
)
from wherry.store.store import Store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store(tmp_path / "root", tmp_path / "run")
    yield store
    store.database.close()


def container(identity: str, name: str) -> Container:
    return Container(
        id=identity * 64,
        name=name,
        image_id="sha256:" + "0" * 64,
        created=f"2026-01-01T00:00:0{identity}Z",
        config=ContainerConfig(image="busybox", command=("sh",)),
        details=Details(path="sh"),
        state=State(),
    )


def test_a_row_comes_back_as_it_was(store: Store) -> None:
    insert_container(store, container("1", "web"))

    assert find_container(store, "web") == container("1", "web")
    assert find_container(store, "/web") == container("1", "web")
    assert find_container(store, "111") == container("1", "web")


def test_a_name_is_taken_once(store: Store) -> None:
    insert_container(store, container("1", "web"))
    insert_container(store, container("2", "db"))

    with pytest.raises(NameInUse, match=f'already in use by container "{"1" * 64}"'):
        insert_container(store, container("3", "web"))
    with pytest.raises(NameInUse):
        rename_container(store, "2" * 64, "web")
    assert [row.name for row in list_containers(store)] == ["db", "web"]


def test_a_name_wins_over_a_prefix_and_prefixes_may_be_ambiguous(store: Store) -> None:
    first, second = container("1", "2"), container("2", "x")
    insert_container(store, first)
    insert_container(store, second)
    assert find_container(store, "2") == first

    rename_container(store, first.id, "y")
    assert find_container(store, "2") == second
    with pytest.raises(NoSuchContainer, match=r"^No such container: 3$"):
        find_container(store, "3")


def test_a_prefix_of_two_is_refused(store: Store) -> None:
    for number in (1, 2):
        row = container("a", f"n{number}")
        insert_container(store, _with_id(row, "a" * 63 + str(number)))
    with pytest.raises(AmbiguousContainer):
        find_container(store, "aaa")


def _with_id(row: Container, identity: str) -> Container:
    return replace(row, id=identity)


def test_a_state_changes_field_by_field(store: Store) -> None:
    row = container("1", "web")
    insert_container(store, row)

    update_state(store, row.id, status=Status.RUNNING, pid=7)
    update_state(store, row.id, exit_code=3)

    state = find_container(store, "web").state
    assert (state.status, state.pid, state.exit_code) == (Status.RUNNING, 7, 3)
    delete_container(store, row.id)
    with pytest.raises(NoSuchContainer):
        update_state(store, row.id, pid=8)


def test_the_lock_tells_the_supervisor(store: Store) -> None:
    folder = store.container_run_folder("a" * 64)
    folder.mkdir(parents=True)
    assert shim_pid_of(store, "a" * 64) == 0
    reader, writer = os.pipe()
    hold, release = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(release)
        descriptor = os.open(folder / "shim.lock", os.O_CREAT | os.O_RDWR)
        fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.write(writer, b".")
        os.read(hold, 1)
        os._exit(0)
    os.read(reader, 1)

    assert shim_pid_of(store, "a" * 64) == child

    os.close(release)
    os.waitpid(child, 0)
    assert shim_pid_of(store, "a" * 64) == 0
    for descriptor in (reader, writer, hold):
        os.close(descriptor)
