"""The history of builds: bounded, and gone with the cache it tells of."""

from pathlib import Path

from wherry.store.build_history import PastStep, forget_builds, past_builds, record_build
from wherry.store.database import Database

STEP = PastStep(number=2, text="RUN x", reason="ARG A: 1 → 2", changed=("a", "b"), duration_ns=5)


def test_builds_come_back_oldest_first_and_the_last_hundred_are_kept(tmp_path: Path) -> None:
    database = Database(tmp_path / "wherry.db")
    cached = PastStep(number=3, text="RUN y")
    with database.write() as connection:
        for moment in range(150):
            record_build(connection, "here", moment, [STEP, cached])
        record_build(connection, "there", 1, [STEP])

        assert list(past_builds(connection, "here")) == [(STEP, cached)] * 100
        assert list(past_builds(connection, "there")) == [(STEP,)]
    database.close()


def test_a_place_without_records_is_forgotten(tmp_path: Path) -> None:
    database = Database(tmp_path / "wherry.db")
    with database.write() as connection:
        record_build(connection, "kept", 1, [STEP])
        record_build(connection, "gone", 1, [STEP])
        connection.execute("INSERT INTO build_places VALUES ('kept', 2, 'sha256:0')")

        forget_builds(connection)

        assert [len(list(past_builds(connection, place))) for place in ("kept", "gone")] == [1, 0]
    database.close()
