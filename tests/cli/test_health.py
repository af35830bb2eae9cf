"""Health checks as flags, in lists and in inspect, and what may follow from them."""

import json
import time
from typing import Any

import pytest

from wherry.testing.sides import Side
from wherry.testing.waiting import eventually

pytestmark = pytest.mark.needs("containers")

QUICK = ("--health-interval", "200ms", "--health-timeout", "1s", "--health-retries", "2")
SLEEP = ("busybox", "sleep", "1000")
WHEN_THERE = "echo looking; test -e /there"


def run(it: Side, *flags: str, name: str = "web") -> None:
    result = it("run", "-d", "--name", name, "--stop-timeout", "0", *QUICK, *flags, *SLEEP)
    assert result.status == 0, result.stderr


def state(it: Side, name: str = "web") -> dict[str, Any]:
    found: dict[str, Any] = json.loads(it("inspect", "-f", "{{json .State}}", name).stdout)
    return found


def health(it: Side) -> str:
    return str(state(it)["Health"]["Status"])


def test_health_comes_and_goes(it: Side) -> None:
    run(it, "--health-cmd", WHEN_THERE)
    assert "(health: starting)" in it("ps", "--format", "{{.Status}}").stdout
    eventually(lambda: health(it) == "unhealthy")
    assert it("ps", "--format", "{{.Status}}").stdout.endswith("(unhealthy)\n")
    assert state(it)["Health"]["FailingStreak"] >= 2

    it("exec", "web", "touch", "/there")
    eventually(lambda: health(it) == "healthy")

    assert it("ps", "--format", "{{.Status}}").stdout.endswith("(healthy)\n")
    assert it("ps", "-f", "health=healthy", "--format", "{{.Names}}").stdout == "web\n"
    assert it("ps", "-q", "-f", "health=unhealthy").stdout == ""
    assert state(it)["Health"]["FailingStreak"] == 0
    it("stop", "web")
    assert health(it) == "unhealthy"


def test_a_change_of_health_is_an_event(ours: Side) -> None:
    run(ours, "--health-cmd", "true", name="changing")
    eventually(lambda: state(ours, "changing")["Health"]["Status"] == "healthy")

    mine = ("-f", "container=changing", "-f", "event=health_status")
    words = ("--since", "1m", "--until", "0s", *mine)
    seen = ours("events", *words, "--format", "{{.Action}} {{.Actor.Attributes.name}}")

    assert seen.stdout == "health_status: healthy changing\n"


def test_five_results_are_kept_and_their_output_is_bounded(it: Side) -> None:
    run(it, "--health-cmd", "head -c 5000 /dev/zero | tr '\\0' y; exit 3", "--health-retries", "9")

    eventually(lambda: state(it)["Health"]["FailingStreak"] > 6)

    log = state(it)["Health"]["Log"]
    assert [result["ExitCode"] for result in log] == [3] * 5
    assert {result["Output"] for result in log} == {"y" * 4096 + "..."}


def test_a_probe_that_takes_too_long(it: Side) -> None:
    run(it, "--health-cmd", "sleep 10", "--health-retries", "1")

    eventually(lambda: health(it) == "unhealthy")

    result = state(it)["Health"]["Log"][0]
    assert result["ExitCode"] == -1
    assert result["Output"].startswith("Health check exceeded timeout (1s)")


def test_failures_of_the_start_period_do_not_count(it: Side) -> None:
    run(it, "--health-cmd", WHEN_THERE, "--health-start-period", "30s", "--health-retries", "1")
    # 20.10 knows no start interval; its probes come every interval.
    eventually(lambda: state(it)["Health"]["Log"], what="a first probe")
    assert (health(it), state(it)["Health"]["FailingStreak"]) == ("starting", 0)


def test_the_start_interval_rules_while_it_starts(ours: Side) -> None:
    slow = ("--health-interval", "30s", "--health-start-period", "30s")
    run(ours, "--health-cmd", "true", *slow, "--health-start-interval", "100ms")

    eventually(lambda: health(ours) == "healthy", seconds=5)


CHECKS: list[tuple[str, ...]] = [
    ("--health-cmd", "true"),
    ("--health-cmd", "true", "--health-interval", "1m30s", "--health-timeout", "5s"),
    ("--health-cmd", "true", "--health-retries", "4", "--health-start-period", "3s"),
    ("--no-healthcheck",),
    (),
]


@pytest.mark.parametrize("flags", CHECKS, ids=" ".join)
def test_what_is_asked_for_is_what_inspect_shows(
    ours: Side, theirs: Side, flags: tuple[str, ...]
) -> None:
    shown = "{{json .Config.Healthcheck}} {{json .State.Health}}"
    outcomes = []
    for side in (ours, theirs):
        side("run", "-d", "--name", "web", *flags, *SLEEP)
        outcomes.append(side("inspect", "-f", shown, "web"))
    assert outcomes[0] == outcomes[1]


REFUSED = [
    ("--health-cmd", "true", "--no-healthcheck"),
    ("--health-cmd", "true", "--health-interval", "-1s"),
    ("--health-cmd", "true", "--health-timeout", "-1s"),
    ("--health-cmd", "true", "--health-retries", "-1"),
    ("--health-cmd", "true", "--health-start-period", "-1s"),
    ("--health-cmd", "true", "--health-interval", "1us"),
    ("--health-interval", "never"),
]


@pytest.mark.parametrize("flags", REFUSED, ids=" ".join)
def test_checks_that_are_refused(ours: Side, theirs: Side, flags: tuple[str, ...]) -> None:
    mine = ours("run", *flags, "busybox", "true")

    assert mine == theirs("run", *flags, "busybox", "true")
    assert mine.status == 125


def test_run_waits_until_healthy(ours: Side) -> None:
    words = ("run", "-d", "--wait", *QUICK)

    result = ours(*words, "--health-cmd", "true", "--name", "web", *SLEEP)

    assert (result.stdout, result.status) == ("<id>\n", 0)
    assert health(ours) == "healthy"
    assert ours(*words[:3], "--name", "unchecked", *SLEEP).status == 0


def test_run_tells_why_it_waited_in_vain(ours: Side) -> None:
    run_flags = ("run", "-d", "--wait", *QUICK, "--health-cmd")

    result = ours(*run_flags, "echo no database; false", *SLEEP)
    assert (result.stdout, result.status) == ("<id>\n", 1)
    assert result.stderr == "container <id> is not healthy: it is unhealthy: no database\n"

    ended = ours(*run_flags, "sleep 60", "busybox", "sh", "-c", "exit 3")
    assert ended.status == 1
    assert ended.stderr.startswith("container <id> is not healthy: it has ended")


def test_run_does_not_wait_longer_than_it_is_to(ours: Side) -> None:
    slow = ("--health-cmd", "echo not yet; false", "--health-start-period", "60s")
    began = time.monotonic()

    result = ours(
        "run", "-d", "--wait=1", *QUICK, "--health-start-interval", "100ms", *slow, *SLEEP
    )

    assert time.monotonic() - began < 15
    assert result.status == 1
    expected = "container <id> is not healthy: it is not healthy after 1 s: not yet\n"
    assert result.stderr == expected


ACTIONS = [
    ("kill", "no", "exited", 137),
    ("stop", "always", "exited", 137),
    ("none", "no", "running", 0),
]


@pytest.mark.parametrize(("action", "policy", "status", "code"), ACTIONS)
def test_what_follows_from_bad_health(
    ours: Side, action: str, policy: str, status: str, code: int
) -> None:
    run(ours, "--health-cmd", "false", "--health-on-failure", action, "--restart", policy)
    if action == "none":
        eventually(lambda: health(ours) == "unhealthy")

    eventually(lambda: state(ours)["Status"] == status)

    assert state(ours)["ExitCode"] == code


@pytest.mark.parametrize(("action", "policy"), [("restart", "no"), ("kill", "always")])
def test_bad_health_may_start_the_container_again(ours: Side, action: str, policy: str) -> None:
    run(ours, "--health-cmd", "false", "--health-on-failure", action, "--restart", policy)
    first = state(ours)["Pid"]

    eventually(lambda: state(ours)["Pid"] not in (0, first))
    # Also in the middle of a restart, the last word is of whoever removes it.
    assert ours("rm", "-f", "web").status == 0
    assert ours("ps", "-aq").stdout == ""


def test_wait_without_detach_is_refused(ours: Side) -> None:
    result = ours("run", "--wait", "--health-cmd", "true", *SLEEP)

    text = "conflicting options: --wait can only be specified with --detach\n"
    assert (result.stderr, result.status) == (text, 1)
    assert ours("ps", "-aq").stdout == ""
