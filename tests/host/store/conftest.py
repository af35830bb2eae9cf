"""A store in a folder of the test's own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from wherry.store.store import Store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store(tmp_path / "root", tmp_path / "run")
    yield store
    store.database.close()
