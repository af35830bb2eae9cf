"""From the options of `update` to the limits and the policy that a container gets."""

from collections.abc import Mapping

from wherry.engine.containers.options.policy import parse_restart_policy
from wherry.engine.containers.options.resources import read_limits
from wherry.engine.containers.options.values import Options, UnknownOption
from wherry.oci.container_config import ResourceLimits, RestartPolicy

NAMES = frozenset(
    (
        *("blkio_weight", "cpu_period", "cpu_quota", "cpu_rt_period", "cpu_rt_runtime"),
        *("cpu_shares", "cpus", "cpuset_cpus", "cpuset_mems", "memory", "memory_reservation"),
        *("memory_swap", "pids_limit", "restart"),
    )
)


def update_from_options(
    options: Mapping[str, object],
) -> tuple[ResourceLimits, RestartPolicy | None]:
    """What the long flags of `docker update`, with underscores, ask for."""
    if unknown := sorted(set(options) - NAMES):
        raise UnknownOption(unknown)
    given = Options(options)
    policy = given.text("restart")
    return read_limits(given), parse_restart_policy(policy) if policy else None
