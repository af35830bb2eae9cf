"""Restart policies: what comes back, how often, and what orders do in between."""

import pytest

from wherry.testing.sides import Side
from wherry.testing.waiting import eventually

pytestmark = pytest.mark.needs("containers")

COUNTS = "{{.RestartCount}} {{.State.Status}} {{.State.ExitCode}}"
SHORT = ("busybox", "sh", "-c", "exit 4")


def inspected(it: Side, template: str = COUNTS) -> str:
    return it("inspect", "-f", template, "web").stdout.strip()


def run(it: Side, policy: str, *command: str) -> None:
    result = it("run", "-d", "--name", "web", "--restart", policy, *(command or SHORT))
    assert result.status == 0, result.stderr


def in_back_off(it: Side) -> None:
    """Wait until the delay is long enough to look at the container meanwhile."""
    eventually(
        lambda: (
            int(inspected(it, "{{.RestartCount}}")) >= 6
            and inspected(it, "{{.State.Status}}") == "restarting"
        ),
        seconds=20,
    )


def test_failures_are_tried_again_as_often_as_asked(it: Side) -> None:
    run(it, "on-failure:3")

    eventually(lambda: inspected(it) == "3 exited 4", what="three more attempts")
    assert it("logs", "web").status == 0


@pytest.mark.parametrize(
    ("policy", "code", "again"),
    [
        ("no", 4, False),
        ("on-failure", 0, False),
        ("on-failure", 4, True),
        ("always", 0, True),
        ("unless-stopped", 0, True),
    ],
)
def test_the_policy_and_the_exit_status_decide(
    it: Side, policy: str, code: int, again: bool
) -> None:
    run(it, policy, "busybox", "sh", "-c", f"exit {code}")
    if again:
        eventually(lambda: int(inspected(it, "{{.RestartCount}}")) > 1)
    else:
        eventually(lambda: inspected(it) == f"0 exited {code}")


def test_one_that_waits_to_be_started_again(it: Side) -> None:
    run(it, "always", "busybox", "true")
    in_back_off(it)

    assert it("ps", "--format", "{{.Status}}").stdout.startswith("Restarting (0) ")
    shown = inspected(it, "{{.State.Running}} {{.State.Restarting}} {{.State.Pid}}")
    assert shown == "true true 0"
    refused = "is restarting, wait until the container is running\n"
    for words in (("exec", "web", "true"), ("top", "web"), ("pause", "web")):
        result = it(*words)
        assert (result.status, result.stderr) == (1, f"Container <id> {refused}")
    attached = it("attach", "web")
    assert attached.stderr == (
        "You cannot attach to a restarting container, wait until it is running\n"
    )
    assert it("rm", "web").status == 1


@pytest.mark.parametrize("order", [("stop",), ("kill",), ("rm", "-f")])
def test_orders_while_it_waits(it: Side, order: tuple[str, ...]) -> None:
    run(it, "always", "busybox", "true")
    in_back_off(it)

    assert it(*order, "web").status == 0

    if order[0] == "rm":
        assert it("ps", "-aq").stdout == ""
    else:
        assert inspected(it, "{{.State.Status}} {{.State.ExitCode}}") == "exited 0"
        assert it("start", "web").status == 0


@pytest.mark.parametrize("order", [("stop", "-t", "0"), ("kill",)])
def test_what_was_stopped_on_purpose_stays_stopped(it: Side, order: tuple[str, ...]) -> None:
    run(it, "always", "busybox", "sleep", "1000")

    it(*order, "web")

    assert inspected(it) == "0 exited 137"
    assert it("start", "web").status == 0
    assert inspected(it) == "0 running 0"


def test_a_kill_returns_when_it_has_worked(it: Side) -> None:
    run(it, "no", "busybox", "sleep", "1000")

    assert it("kill", "web").status == 0
    assert inspected(it) == "0 exited 137"

    it("start", "web")
    it("pause", "web")
    assert it("kill", "web").status == 0
    assert inspected(it) == "0 exited 137"


def test_a_start_by_hand_counts_from_nothing(ours: Side) -> None:
    run(ours, "on-failure:2")
    eventually(lambda: inspected(ours) == "2 exited 4")

    ours("start", "web")

    eventually(lambda: inspected(ours) == "2 exited 4", what="two more attempts")


def test_wait_returns_at_the_first_end(it: Side) -> None:
    run(it, "always", "busybox", "sh", "-c", "sleep 1; exit 5")

    assert it("wait", "web").stdout == "5\n"


def test_the_first_time_comes_at_once(ours: Side) -> None:
    """Docker waits 100 ms; a person does not notice, a service that has failed should not."""
    run(ours, "always", "busybox", "sh", "-c", "date +%s.%N; sleep 0.2")

    eventually(lambda: len(ours("logs", "-t", "web").stdout.splitlines()) >= 2, seconds=5)


def test_removal_during_restarts_has_the_last_word(ours: Side) -> None:
    for _ in range(5):
        run(ours, "always", "busybox", "sh", "-c", "sleep 0.05")
        result = ours("rm", "-f", "web")
        assert (result.stdout, result.stderr) == ("web\n", "")


BAD = ["bogus", "on-failure:x", "on-failure:-1", "always:3", "no:1", "unless-stopped:2"]


@pytest.mark.parametrize("policy", BAD)
def test_policies_that_there_are_not(it: Side, policy: str) -> None:
    result = it("run", "--restart", policy, "busybox", "true")

    assert result.status == 125
    assert result.stdout == ""
