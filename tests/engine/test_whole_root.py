"""A stopped container's files in the hands of several at once."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from wherry.engine.containers.archive import archive_of, put_archive
from wherry.engine.engine import Engine
from wherry.shim.lock import try_shim_lock
from wherry.store.copying import PathStatus
from wherry.testing.command import Wherry

pytestmark = pytest.mark.needs("containers")


@pytest.fixture
def engine(wherry: Wherry) -> Iterator[Engine]:
    engine = Engine(wherry.root, wherry.run_folder)
    yield engine
    engine.store.database.close()


def test_a_stopped_container_cannot_start_while_its_files_are_open(
    engine: Engine, wherry: Wherry
) -> None:
    made = engine.containers.create("busybox", ["true"], network="none")

    with archive_of(engine, made.id, "/etc") as (status, chunks):
        assert try_shim_lock(engine.store, made.id) is None  # also for this very process
        assert (status.name, status.is_directory) == ("etc", True)
        assert sum(map(len, chunks)) > 0

    made.start()
    assert made.wait() == 0


def test_threads_take_turns_at_a_stopped_container(wherry: Wherry, tmp_path: Path) -> None:
    wherry("create", "--name", "shared", "-v", "data:/data", "busybox")

    def copy(number: int) -> PathStatus:
        engine = Engine(wherry.root, wherry.run_folder)
        (tmp_path / f"{number}").write_text("x" * number)
        engine.containers.get("shared").copy_in(tmp_path / f"{number}", "/data/")
        with archive_of(engine, "shared", f"/data/{number}") as (status, chunks):
            put_archive_elsewhere(engine, chunks)
        engine.store.database.close()
        return status

    with ThreadPoolExecutor(4) as pool:
        sizes = [status.size for status in pool.map(copy, range(1, 9))]

    assert sizes == list(range(1, 9))


def put_archive_elsewhere(engine: Engine, chunks: Iterator[bytes]) -> None:
    """Into another container, while the first one's files are open."""
    made = engine.containers.create("busybox", network="none")
    put_archive(engine, made.id, "/tmp", chunks)
    made.remove()
