"""Staged trees that are removed while nobody waits."""

import os
import select
from contextlib import suppress

from wherry.linux.openat import opened
from wherry.store.discards import discard
from wherry.store.store import Store


def test_a_discarded_tree_goes_in_a_process_of_its_own(store: Store) -> None:
    with store.staging_folder() as staged:
        tree = staged / "tree"
        for number in range(20):
            (tree / str(number)).mkdir(parents=True)
            (tree / str(number) / "file").write_text("x")

        discard(store, tree)

        assert not tree.exists()  # its name is gone at once, for whoever stages another
        for name in set(os.listdir(store.root / "tmp")) - {staged.name, ".gate"}:
            with (
                suppress(ProcessLookupError),
                opened(os.pidfd_open(int(name.partition("-")[0]))) as process,
            ):
                select.select([process], [], [])
        assert set(os.listdir(store.root / "tmp")) == {staged.name, ".gate"}
