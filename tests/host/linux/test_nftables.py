from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from wherry.linux import nftables
from wherry.linux.netlink import entered
from wherry.testing.machines import new_namespace

pytestmark = pytest.mark.needs("root", "netns", "nftables")


@pytest.fixture(autouse=True)
def _elsewhere() -> Iterator[None]:
    with ExitStack() as lifetime, entered(new_namespace(lifetime)):
        yield


def test_commands_are_one_transaction() -> None:
    before = nftables.generation()
    nftables.run("add table ip t\nadd chain ip t c")
    assert nftables.generation() == before + 1
    assert "chain c" in nftables.run("list ruleset")


def test_a_refused_transaction_changes_nothing_and_tells_why() -> None:
    with pytest.raises(nftables.NftablesError) as refusal:
        nftables.run("add table ip t\nadd rule ip t missing accept")
    assert "missing" in refusal.value.report
    assert nftables.run("list ruleset") == ""


def test_handles_are_printed_when_asked_for() -> None:
    nftables.run("add table ip t")
    assert "# handle" in nftables.run("list ruleset", nftables.OutputFlag.HANDLE)


def test_what_others_do_to_tables_is_told() -> None:
    with nftables.RulesetEvents() as events:
        nftables.run("add table ip t\nadd table ip other")
        nftables.run("delete table ip t")

        assert events.changes() == {
            (nftables.Change.NEW_TABLE, "t"),
            (nftables.Change.NEW_TABLE, "other"),
            (nftables.Change.DELETED_TABLE, "t"),
        }
        assert events.changes() == set()
