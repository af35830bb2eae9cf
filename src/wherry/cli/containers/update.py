"""wherry update"""

from wherry.cli.context import Context
from wherry.cli.flags import FlagSet, String, Syntax
from wherry.cli.number_flags import Bytes, BytesOrUnlimited, Cpus, Integer, Unsigned16
from wherry.errors import InvalidArgument, WherryError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from wherry.oci.container_config import ResourceLimits, RestartPolicy

SYNTAX = Syntax("[OPTIONS] CONTAINER [CONTAINER...]", least=1, most=None)


class Flags(FlagSet):
    blkio_weight = Unsigned16(
        "",
        "Block IO (relative weight), between 10 and 1000, or 0 to disable",
        default_text="0",
    )
    cpu_period = Integer("", "Limit CPU CFS (Completely Fair Scheduler) period")
    cpu_quota = Integer("", "Limit CPU CFS (Completely Fair Scheduler) quota")
    cpu_rt_period = Integer("", "Limit the CPU real-time period in microseconds")
    cpu_rt_runtime = Integer("", "Limit the CPU real-time runtime in microseconds")
    cpu_shares = Integer("c", "CPU shares (relative weight)")
    cpus = Cpus("", "Number of CPUs")
    cpuset_cpus = String("", "CPUs in which to allow execution (0-3, 0,1)")
    cpuset_mems = String("", "MEMs in which to allow execution (0-3, 0,1)")
    kernel_memory = Bytes(
        "",
        "Kernel memory limit (deprecated)",
        hidden=True,
        unsupported="no kernel limits it apart from the rest any more",
    )
    memory = Bytes("m", "Memory limit")
    memory_reservation = Bytes("", "Memory soft limit")
    memory_swap = BytesOrUnlimited(
        "", "Swap limit equal to memory plus swap: -1 to enable unlimited swap"
    )
    pids_limit = Integer("", "Tune container pids limit (set -1 for unlimited)")
    restart = String("", "Restart policy to apply when a container exits")


def run(flags: Flags, context: Context) -> None:
    from wherry.engine.containers.update import update_container  # --help does without the engine

    if not any(flags.given(flag.attribute) for flag in flags.declared().values()):
        raise InvalidArgument("you must provide one or more flags when using this command")
    limits, policy = _limits(flags), _policy(flags)
    for name in flags.operands:
        try:
            warnings = update_container(context.engine, name, limits, policy)
        except WherryError as error:
            context.fail(error)
        else:
            context.out(name)
            for warning in warnings:
                context.err(warning)


def _limits(flags: Flags) -> "ResourceLimits":
    from wherry.oci.container_config import ResourceLimits

    return ResourceLimits(
        blkio_weight=flags.blkio_weight,
        cpu_period=flags.cpu_period,
        cpu_quota=flags.cpu_quota,
        cpu_realtime_period=flags.cpu_rt_period,
        cpu_realtime_runtime=flags.cpu_rt_runtime,
        cpu_shares=flags.cpu_shares,
        nano_cpus=flags.cpus,
        cpuset_cpus=flags.cpuset_cpus,
        cpuset_mems=flags.cpuset_mems,
        memory=flags.memory,
        memory_reservation=flags.memory_reservation,
        memory_swap=flags.memory_swap,
        pids_limit=flags.pids_limit if flags.given("pids_limit") else None,
    )


def _policy(flags: Flags) -> "RestartPolicy | None":
    from wherry.engine.containers.options.policy import parse_restart_policy

    return parse_restart_policy(flags.restart) if flags.restart else None
