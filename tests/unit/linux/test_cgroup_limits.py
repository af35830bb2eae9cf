"""Limits as writes to v1's and v2's files."""

from collections.abc import Callable

import pytest

from wherry.linux.cgroup import v1_limits, v2_limits
from wherry.linux.cgroup.limits import (
    BlockIOLimits,
    CPULimits,
    DeviceRate,
    DeviceWeight,
    Limits,
    MemoryLimits,
    RdmaLimits,
)


def v1(limits: Limits, **present: str) -> list[str]:
    def read(controller: str, file: str) -> str:
        try:
            return present[file.replace(".", "_")]
        except KeyError:
            raise FileNotFoundError(file) from None

    return [f"{write.file} {write.value}" for write in v1_limits.writes(limits, read)]


def v2(limits: Limits, **present: str) -> list[str]:
    def read(file: str) -> str:
        try:
            return present[file.replace(".", "_")]
        except KeyError:
            raise FileNotFoundError(file) from None

    return [f"{write.file} {write.value}" for write in v2_limits.writes(limits, read)]


def memory(**values: int | bool | None) -> Limits:
    return Limits(memory=MemoryLimits(**values))  # type: ignore[arg-type]


@pytest.mark.parametrize("writes", [v1, v2])
def test_no_limits_write_nothing(writes: Callable[[Limits], list[str]]) -> None:
    assert writes(Limits()) == []


@pytest.mark.parametrize(
    ("present", "limit", "swap", "order"),
    [
        ("1000", 500, 800, ["memory.limit_in_bytes 500", "memory.memsw.limit_in_bytes 800"]),
        ("1000", 1500, 2000, ["memory.memsw.limit_in_bytes 2000", "memory.limit_in_bytes 1500"]),
        ("1000", 1500, -1, ["memory.memsw.limit_in_bytes -1", "memory.limit_in_bytes 1500"]),
        ("1000", -1, None, ["memory.memsw.limit_in_bytes -1", "memory.limit_in_bytes -1"]),
        ("1000", 500, None, ["memory.limit_in_bytes 500"]),
        ("1000", None, 800, ["memory.memsw.limit_in_bytes 800"]),
    ],
)
def test_memory_and_swap_are_written_in_the_order_v1_takes_them(
    present: str, limit: int | None, swap: int | None, order: list[str]
) -> None:
    written = v1(
        memory(limit=limit, swap=swap),
        memory_limit_in_bytes=present,
        memory_memsw_limit_in_bytes=present,
    )

    assert written == order


def test_a_machine_without_swap_accounting_lifts_memory_alone() -> None:
    assert v1(memory(limit=-1)) == ["memory.limit_in_bytes -1"]


def test_the_rest_of_memory_on_v1() -> None:
    written = v1(memory(reservation=5, swappiness=0, disable_oom_killer=True, kernel_tcp=7))

    assert written == [
        "memory.kmem.tcp.limit_in_bytes 7",
        "memory.soft_limit_in_bytes 5",
        "memory.oom_control 1",
        "memory.swappiness 0",
    ]


@pytest.mark.parametrize("swappiness", [101, -2])
def test_swappiness_has_a_range(swappiness: int) -> None:
    with pytest.raises(ValueError, match="valid memory swappiness range is 0-100"):
        v1(memory(swappiness=swappiness))


@pytest.mark.parametrize(
    ("limit", "swap", "written"),
    [
        (500, 800, ["memory.swap.max 300", "memory.max 500"]),
        (500, 500, ["memory.swap.max 0", "memory.max 500"]),
        (500, -1, ["memory.swap.max max", "memory.max 500"]),
        (-1, None, ["memory.swap.max max", "memory.max max"]),
        (500, None, ["memory.max 500"]),
    ],
)
def test_swap_is_a_limit_of_its_own_on_v2(
    limit: int | None, swap: int | None, written: list[str]
) -> None:
    assert v2(memory(limit=limit, swap=swap)) == written


@pytest.mark.parametrize(
    ("limit", "swap", "text"),
    [
        (None, 800, "unable to set swap limit without memory limit"),
        (900, 800, r"memory\+swap limit should be >= memory limit"),
    ],
)
def test_swap_without_or_below_memory_is_refused(limit: int | None, swap: int, text: str) -> None:
    with pytest.raises(ValueError, match=text):
        v2(memory(limit=limit, swap=swap))


def test_a_limit_below_the_use_can_be_refused() -> None:
    limits = memory(limit=500, check_before_update=True)

    with pytest.raises(OSError, match="rejecting memory limit 500 < usage 600"):
        v1(limits, memory_usage_in_bytes="600")
    with pytest.raises(OSError, match="rejecting memory limit 500 < usage 600"):
        v2(limits, memory_current="600")
    assert v2(limits, memory_current="400") == ["memory.max 500"]


@pytest.mark.parametrize(
    ("shares", "weight"), [(2, 1), (512, 20), (1024, 39), (262144, 10000), (1, 1), (999999, 10000)]
)
def test_shares_as_weight(shares: int, weight: int) -> None:
    assert v2_limits.weight_of_shares(shares) == weight


@pytest.mark.parametrize(
    ("present", "cpu", "written"),
    [
        ("max 100000", CPULimits(quota=50000), "50000 100000"),
        ("50000 100000", CPULimits(period=200000), "50000 200000"),
        ("50000 100000", CPULimits(quota=-1), "max 100000"),
        ("max 100000", CPULimits(quota=20000, period=40000), "20000 40000"),
    ],
)
def test_an_update_of_quota_or_period_keeps_the_other(
    present: str, cpu: CPULimits, written: str
) -> None:
    assert v2(Limits(cpu=cpu), cpu_max=present) == [f"cpu.max {written}"]


@pytest.mark.parametrize(("present", "first"), [("100000", "quota"), ("10000", "period")])
def test_a_shrinking_period_follows_its_quota_on_v1(present: str, first: str) -> None:
    written = v1(Limits(cpu=CPULimits(quota=10000, period=50000)), cpu_cfs_period_us=present)

    assert written[0].startswith(f"cpu.cfs_{first}_us")
    assert len(written) == 2


@pytest.mark.parametrize(("present", "burst_is"), [("5000", "last"), ("20000", "first")])
def test_a_burst_fits_its_quota_at_every_moment(present: str, burst_is: str) -> None:
    limits = Limits(cpu=CPULimits(quota=50000, burst=10000))
    index = 0 if burst_is == "first" else -1

    assert v1(limits, cpu_cfs_burst_us=present)[index] == "cpu.cfs_burst_us 10000"
    written = v2(limits, cpu_max="max 100000", cpu_max_burst=present)
    assert written[index] == "cpu.max.burst 10000"


def test_processors_and_real_time() -> None:
    limits = Limits(
        cpu=CPULimits(shares=512, cpus="0-1", mems="0", realtime_period=9, realtime_runtime=8)
    )

    assert v1(limits) == [
        "cpuset.cpus 0-1",
        "cpuset.mems 0",
        "cpu.shares 512",
        "cpu.rt_period_us 9",
        "cpu.rt_runtime_us 8",
    ]
    with pytest.raises(ValueError, match="real-time CPU limits need cgroup v1"):
        v2(limits)


@pytest.mark.parametrize(
    ("shares", "reason"),
    [(1, "the minimum allowed cpu-shares is 2"), (262145, "maximum allowed cpu-shares is 262144")],
)
def test_shares_that_the_kernel_would_change_are_refused_on_v1(shares: int, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        v1(Limits(cpu=CPULimits(shares=shares)))


@pytest.mark.parametrize(
    ("limit", "written"), [(10, ["pids.max 10"]), (-1, ["pids.max max"]), (0, [])]
)
def test_processes(limit: int, written: list[str]) -> None:
    assert v1(Limits(pids=limit)) == written
    assert v2(Limits(pids=limit)) == written


BLOCK_IO = Limits(
    block_io=BlockIOLimits(
        weight=500,
        device_weights=(DeviceWeight(major=8, minor=0, weight=100),),
        read_bytes=(DeviceRate(major=8, minor=0, rate=1000),),
        write_bytes=(DeviceRate(major=8, minor=0, rate=2000),),
        read_operations=(DeviceRate(major=8, minor=0, rate=3),),
        write_operations=(DeviceRate(major=8, minor=0, rate=0),),
    )
)


def test_block_devices_on_v1() -> None:
    assert v1(BLOCK_IO) == [
        "blkio.weight 500",
        "blkio.weight_device 8:0 100",
        "blkio.throttle.read_bps_device 8:0 1000",
        "blkio.throttle.write_bps_device 8:0 2000",
        "blkio.throttle.read_iops_device 8:0 3",
        "blkio.throttle.write_iops_device 8:0 0",
    ]


def test_block_devices_on_v2() -> None:
    rates = ["io.max 8:0 rbps=1000", "io.max 8:0 wbps=2000", "io.max 8:0 riops=3"]
    rates.append("io.max 8:0 wiops=max")

    assert v2(BLOCK_IO) == ["io.weight 4950", "io.weight 8:0 910", *rates]
    assert v2(BLOCK_IO, io_bfq_weight="default 100") == [
        "io.bfq.weight 500",
        "io.bfq.weight 8:0 100",
        *rates,
    ]


def test_what_only_one_version_has() -> None:
    with pytest.raises(ValueError, match="cannot use unified on cgroup v1"):
        v1(Limits(unified=(("memory.high", "1"),)))
    with pytest.raises(ValueError, match="need cgroup v1"):
        v2(Limits(network_class=5))
    with pytest.raises(ValueError, match="must be a file name"):
        v2(Limits(unified=(("../memory.high", "1"),)))


def test_unified_comes_last_and_line_by_line() -> None:
    written = v2(
        Limits(pids=4, unified=(("memory.high", "100"), ("io.max", "8:0 rbps=1\n8:1 rbps=2")))
    )

    assert written == ["pids.max 4", "memory.high 100", "io.max 8:0 rbps=1", "io.max 8:1 rbps=2"]


def test_rarer_controllers() -> None:
    limits = Limits(
        huge_pages=(("2MB", 4194304),),
        network_class=1048577,
        network_priorities=(("eth0", 3),),
        rdma=(("mlx5_0", RdmaLimits(handles=2)),),
    )

    assert v1(limits) == [
        "hugetlb.2MB.limit_in_bytes 4194304",
        "net_cls.classid 1048577",
        "net_prio.ifpriomap eth0 3",
        "rdma.max mlx5_0 hca_handle=2",
    ]
    assert v2(Limits(huge_pages=(("2MB", -1),))) == [
        "hugetlb.2MB.max max",
        "hugetlb.2MB.rsvd.max max",
    ]
