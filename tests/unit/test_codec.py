"""Documents as dataclasses: keys, defaults, unknown fields, and faults with their paths."""

import json
from enum import Enum

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wherry.oci.codec import InvalidDocument, from_json, to_json
from wherry.oci.runtime_spec import (
    BlockIOLimits,
    Linux,
    MemoryLimits,
    Mount,
    Process,
    Resources,
    Spec,
    ThrottleDevice,
)
from wherry.values import dataclass, field


class Colour(Enum):
    RED = "red"


@dataclass(frozen=True, kw_only=True)
class Keeping:
    known: int
    colour: Colour | None = None
    extra: dict[str, object] = field(default_factory=dict)


def test_keys_follow_the_specification() -> None:
    spec = Spec(
        process=Process(cwd="/", no_new_privileges=True, oom_score_adj=5),
        linux=Linux(
            cgroups_path="/a",
            resources=Resources(
                memory=MemoryLimits(limit=1, disable_oom_killer=True),
                block_io=BlockIOLimits(
                    throttle_read_iops_device=(ThrottleDevice(major=8, minor=0, rate=5),)
                ),
            ),
        ),
    )
    assert to_json(spec) == {
        "ociVersion": "1.2.0",
        "process": {
            "cwd": "/",
            "user": {"uid": 0, "gid": 0},  # crun insists on them
            "noNewPrivileges": True,
            "oomScoreAdj": 5,
        },
        "linux": {
            "cgroupsPath": "/a",
            "resources": {
                "memory": {"limit": 1, "disableOOMKiller": True},
                "blockIO": {
                    "throttleReadIOPSDevice": [{"major": 8, "minor": 0, "rate": 5}],
                },
            },
        },
    }


def test_unknown_fields_are_ignored_or_kept() -> None:
    assert from_json(Mount, {"destination": "/a", "unheard": 1}) == Mount(destination="/a")
    kept = from_json(Keeping, {"known": 1, "colour": "red", "new": [1]})
    assert kept == Keeping(known=1, colour=Colour.RED, extra={"new": [1]})
    assert to_json(kept) == {"known": 1, "colour": "red", "new": [1]}


def test_every_fault_is_reported_with_its_path() -> None:
    with pytest.raises(InvalidDocument) as caught:
        from_json(
            Spec,
            {
                "process": {},
                "mounts": [{"destination": "/"}, {"destination": 3}],
                "annotations": {"a": False},
                "hostname": 7,
            },
        )
    assert dict(caught.value.faults) == {
        "process.cwd": "is missing",
        "mounts[1].destination": "must be a string",
        "annotations.a": "must be a string",
        "hostname": "must be a string",
    }


@pytest.mark.parametrize("data", [None, [], "text", 1])
def test_a_document_must_be_an_object(data: object) -> None:
    with pytest.raises(InvalidDocument, match="must be an object"):
        from_json(Spec, data)


def test_true_is_not_a_number() -> None:
    with pytest.raises(InvalidDocument, match="must be a whole number"):
        from_json(Keeping, {"known": True})


@given(
    st.builds(
        Mount,
        destination=st.text(),
        source=st.text(),
        options=st.lists(st.text()).map(tuple),
        uid_mappings=st.just(()),
        gid_mappings=st.just(()),
    )
)
def test_written_and_read_again_is_the_same(mount: Mount) -> None:
    assert from_json(Mount, json.loads(json.dumps(to_json(mount)))) == mount
