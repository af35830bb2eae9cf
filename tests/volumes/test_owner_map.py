"""Files that a container makes in a bind mount belong to whom the folder belongs to."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wherry.engine.containers.owner_map import owner_map
from wherry.testing.command import Wherry

ids = st.integers(0, 0xFFFFFFFE)


@given(ids, ids, ids)
def test_all_but_the_two_stay_who_they_are(owner: int, seen: int, other: int) -> None:
    mappings = owner_map(owner, seen)

    def shown(number: int) -> int | None:
        for one in mappings:
            if 0 <= number - one.container_id < one.size:
                return one.host_id + number - one.container_id
        return None

    if owner == seen:
        assert mappings == ()
        return
    assert shown(owner) == seen
    assert shown(seen) is None
    if other not in (owner, seen):
        assert shown(other) == other


@pytest.mark.needs("containers")
@pytest.mark.parametrize("user", ["0", "33"])
def test_what_the_container_s_user_makes_is_the_owner_s(
    wherry: Wherry, tmp_path: Path, user: str
) -> None:
    folder = tmp_path / "src"
    folder.mkdir()
    (folder / "there").write_text("")
    for path in (folder, folder / "there"):
        os.chown(path, 1234, 1235)
    command = "touch /app/made; stat -c %u:%g /app/there"

    words = ("-u", f"{user}:{user}", "-v", f"{folder}:/app:map", "busybox", "sh", "-c", command)
    result = wherry("run", "--rm", "--network", "none", *words)

    assert result.stdout == f"{user}:{user}\n"
    status = (folder / "made").stat()
    assert (status.st_uid, status.st_gid) == (1234, 1235)


@pytest.mark.needs("containers")
def test_only_a_bind_can_be_mapped(wherry: Wherry) -> None:
    words = ("run", "--rm", "--network", "none", "-v", "data:/app:map", "busybox", "true")

    assert "only a bind mount can map its owner" in wherry(*words, check=False).stderr
