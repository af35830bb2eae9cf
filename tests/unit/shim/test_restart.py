"""When a container starts again, and how soon."""

import pytest

from wherry.oci.container_config import RestartPolicy, RestartPolicyName
from wherry.shim.restart import Backoff, should_restart, should_restore


def test_delays_double_to_a_minute_and_start_anew_after_a_steady_run() -> None:
    backoff = Backoff()
    delays = [backoff.next_delay(0.5) for _ in range(12)]
    assert delays[:4] == [0.1, 0.2, 0.4, 0.8]
    assert delays[-2:] == [60.0, 60.0]
    assert backoff.next_delay(10.0) == 0.1
    assert backoff.next_delay(1.0) == 0.2


def _policy(text: str) -> RestartPolicy:
    name, _, most = text.partition(":")
    return RestartPolicy(name=RestartPolicyName(name), maximum_retry_count=int(most or 0))


@pytest.mark.parametrize(
    ("policy", "exit_code", "restarts", "stopped", "again"),
    [
        ("no", 1, 0, False, False),
        ("always", 0, 9, False, True),
        ("always", 0, 0, True, False),
        ("unless-stopped", 137, 0, False, True),
        ("unless-stopped", 137, 0, True, False),
        ("on-failure", 0, 0, False, False),
        ("on-failure", 1, 99, False, True),
        ("on-failure:2", 1, 1, False, True),
        ("on-failure:2", 1, 2, False, False),
    ],
)
def test_the_policy_decides(
    policy: str, exit_code: int, restarts: int, stopped: bool, again: bool
) -> None:
    assert should_restart(_policy(policy), exit_code, restarts, stop_requested=stopped) is again


@pytest.mark.parametrize(
    ("policy", "stopped", "back"),
    [
        ("no", False, False),
        ("always", False, True),
        ("always", True, True),
        ("unless-stopped", False, True),
        ("unless-stopped", True, False),
        ("on-failure", False, False),
    ],
)
def test_a_reboot_brings_back_by_policy(policy: str, stopped: bool, back: bool) -> None:
    assert should_restore(_policy(policy), stop_requested=stopped) is back
