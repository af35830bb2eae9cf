"""The metadata database, opened by several at once."""

from pathlib import Path
from threading import Barrier, Thread

from wherry.store import schema
from wherry.store.database import Database


def test_those_who_come_first_at_the_same_time_all_get_the_new_database(tmp_path: Path) -> None:
    """To begin a log, SQLite asks for the file alone and does not wait for it."""
    versions: list[int] = []
    for number in range(25):
        path = tmp_path / f"{number}.db"
        together = Barrier(6)

        def come_first(path: Path = path, together: Barrier = together) -> None:
            database = Database(path)
            together.wait()
            with database.write() as connection:
                (version,) = connection.execute("PRAGMA user_version").fetchone()
                (mode,) = connection.execute("PRAGMA journal_mode").fetchone()
            database.close()
            versions.append(version if mode == "wal" else -1)

        threads = [Thread(target=come_first) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    assert versions == [schema.VERSION] * 150
    assert not list(tmp_path.glob("*-new"))
