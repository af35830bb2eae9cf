"""`linux.resources` as limits of a cgroup."""

import errno
from pathlib import Path

import pytest

from wherry.linux.cgroup.files import write
from wherry.linux.cgroup.limits import DeviceRule, Limits, MemoryLimits
from wherry.linux.cgroup.manager import open_manager
from wherry.oci import runtime_spec as spec
from wherry.oci.codec import from_json
from wherry.runtime.resources import (
    DEFAULT_DEVICES,
    LimitsRefused,
    apply_resources,
    limits_of,
)


def test_resources_become_limits() -> None:
    resources = from_json(
        spec.Resources,
        {
            "devices": [
                {"allow": False, "access": "rwm"},
                {"allow": True, "type": "c", "major": 10, "minor": -1, "access": "rw"},
            ],
            "memory": {"limit": 100, "swap": 200, "disableOOMKiller": False},
            "cpu": {"shares": 512, "quota": 5, "period": 6, "cpus": "0", "idle": 1},
            "pids": {"limit": 7},
            "blockIO": {
                "weight": 20,
                "weightDevice": [{"major": 8, "minor": 0, "weight": 30}],
                "throttleReadIOPSDevice": [{"major": 8, "minor": 0, "rate": 40}],
            },
            "hugepageLimits": [{"pageSize": "2MB", "limit": 50}],
            "unified": {"memory.high": "60"},
        },
    )

    limits = limits_of(resources)

    assert limits.memory == MemoryLimits(limit=100, swap=200, disable_oom_killer=False)
    assert (limits.cpu.shares, limits.cpu.quota, limits.cpu.idle) == (512, 5, True)
    assert limits.pids == 7
    assert limits.block_io.device_weights[0].weight == 30
    assert limits.block_io.read_operations[0].rate == 40
    assert limits.huge_pages == (("2MB", 50),)
    assert limits.unified == (("memory.high", "60"),)
    assert limits.devices == (
        DeviceRule(allow=False),
        DeviceRule(allow=True, type="c", major=10, minor=None, access="rw"),
        *DEFAULT_DEVICES,
    )


def test_an_update_leaves_devices_alone() -> None:
    assert limits_of(spec.Resources(), with_devices=False) == Limits()


def test_what_the_kernel_refuses_is_worded_as_runc_does(tmp_path: Path) -> None:
    class Refusing:
        def apply(self, _limits: Limits) -> None:
            write(f"{tmp_path}/cpuset.cpus", "99")

    with pytest.raises(LimitsRefused) as failure:
        apply_resources(Refusing(), spec.Resources())  # type: ignore[arg-type]

    text = f'failed to write "99": write {tmp_path}/cpuset.cpus: no such file or directory'
    assert failure.value.message == text


def test_impossible_limits_are_refused_before_the_kernel_sees_them() -> None:
    manager = open_manager("/wherry-never-made")
    resources = spec.Resources(memory=spec.MemoryLimits(swappiness=500))

    with pytest.raises(LimitsRefused, match="valid memory swappiness range is 0-100"):
        apply_resources(manager, resources, with_devices=False)


def test_a_missing_controller_is_named() -> None:
    class Refusing:
        def apply(self, _limits: Limits) -> None:
            raise OSError(errno.EOPNOTSUPP, "cannot set rdma limit: no such controller", "rdma.max")

    with pytest.raises(LimitsRefused, match=r"^cannot set rdma limit: no such controller$"):
        apply_resources(Refusing(), spec.Resources())  # type: ignore[arg-type]
