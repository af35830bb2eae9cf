"""The restart policy: whether a container that ended is started again, and after how long."""

from wherry.oci.container_config import RestartPolicy, RestartPolicyName

FIRST_DELAY = 0.1  # seconds
LONGEST_DELAY = 60.0
STEADY_AFTER = 10.0  # a run of this length has overcome its trouble


class Backoff:
    """Docker's delays: 100 ms, doubling to a minute, back to 100 ms after a run of 10 s."""

    def __init__(self) -> None:
        self.delay = 0.0  # the last one

    def next_delay(self, run_time: float) -> float:
        """How long to wait after a run of `run_time` seconds."""
        if run_time >= STEADY_AFTER or self.delay == 0.0:
            self.delay = FIRST_DELAY
        else:
            self.delay = min(self.delay * 2, LONGEST_DELAY)
        return self.delay


def should_restart(
    policy: RestartPolicy, exit_code: int, restart_count: int, *, stop_requested: bool
) -> bool:
    """Whether a container that has just ended starts again."""
    if stop_requested:
        return False
    if policy.name is RestartPolicyName.ON_FAILURE:
        most = policy.maximum_retry_count
        return exit_code != 0 and (most == 0 or restart_count < most)
    return policy.name in (RestartPolicyName.ALWAYS, RestartPolicyName.UNLESS_STOPPED)


def should_restore(policy: RestartPolicy, *, stop_requested: bool) -> bool:
    """Whether a container that ran before comes back after a reboot.

    `always` does also when it was stopped by hand. on-failure does not: how it would have ended
    is not known.
    """
    if policy.name is RestartPolicyName.ALWAYS:
        return True
    return policy.name is RestartPolicyName.UNLESS_STOPPED and not stop_requested
