"""Limits as properties of a systemd unit."""

import pytest

from wherry.errors import InvalidArgument
from wherry.linux.systemd import INFINITY
from wherry.oci.runtime_spec import CPULimits, MemoryLimits, PidsLimit, Resources
from wherry.runtime.unit_properties import asked_properties, limit_properties


def values(resources: Resources, version: int = 2) -> dict[str, object]:
    return {name: value.value for name, value in limit_properties(resources, version).items()}


def test_what_is_not_named_is_left() -> None:
    assert values(Resources()) == {}


@pytest.mark.parametrize(
    ("quota", "period", "expected"),
    [(50_000, None, 500_000), (20_500, 100_000, 210_000), (1, 1_000_000, 10_000), (-1, None, None)],
)
def test_quotas_are_whole_percents_and_never_less(
    quota: int, period: int | None, expected: int | None
) -> None:
    found = values(Resources(cpu=CPULimits(quota=quota, period=period)))

    assert found["CPUQuotaPerSecUSec"] == (INFINITY if expected is None else expected)


def test_each_version_has_its_names() -> None:
    resources = Resources(
        memory=MemoryLimits(limit=64, swap=96, reservation=32),
        cpu=CPULimits(shares=1024, cpus="0-1,9"),
        pids=PidsLimit(limit=-1),
    )

    assert values(resources) == {
        "MemoryMax": 64,
        "MemoryLow": 32,
        "MemorySwapMax": 32,
        "TasksMax": INFINITY,
        "CPUWeight": 39,
        "AllowedCPUs": b"\x03\x02",
    }
    assert values(resources, 1) == {"MemoryMax": 64, "TasksMax": INFINITY, "CPUShares": 1024}


def test_annotations_may_give_seconds() -> None:
    annotations = {"org.systemd.property.TimeoutStopSec": "1.5", "other": "x"}

    assert {name: value.value for name, value in asked_properties(annotations).items()} == {
        "TimeoutStopUSec": 1_500_000
    }


@pytest.mark.parametrize("name", ["", "a b", "KillSec"])
def test_annotations_that_are_no_properties_are_refused(name: str) -> None:
    with pytest.raises(InvalidArgument, match="annotation"):
        asked_properties({f"org.systemd.property.{name}": "'x'"})
