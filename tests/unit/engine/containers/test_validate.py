"""What the engine refuses, in dockerd's words."""

import os

import pytest

from wherry.engine.containers.options.config import config_from_options
from wherry.engine.containers.validate import check_config
from wherry.errors import WherryError

CPUS = os.cpu_count() or 1

REFUSED: list[tuple[dict[str, object], str]] = [
    ({"memory": "4m"}, "Minimum memory limit allowed is 6MB"),
    ({"memory_reservation": "2m"}, "Minimum memory reservation allowed is 6MB"),
    (
        {"memory": "10m", "memory_swap": "5m"},
        "Minimum memoryswap limit should be larger than memory limit, see usage",
    ),
    (
        {"memory_swap": "50m"},
        "You should always set the Memory limit when using Memoryswap limit, see usage",
    ),
    (
        {"memory": "10m", "memory_reservation": "20m"},
        "Minimum memory limit can not be less than memory reservation limit, see usage",
    ),
    (
        {"cpus": 1000},
        f"range of CPUs is from 0.01 to {CPUS}.00, as there are only {CPUS} CPUs available",
    ),
    ({"cpuset_cpus": "x"}, "Invalid value x for cpuset cpus: invalid format: x"),
    (
        {"cpu_period": 5},
        "CPU cfs period can not be less than 1ms (i.e. 1000) or larger than 1s (i.e. 1000000)",
    ),
    ({"cpu_quota": 5}, "CPU cfs quota can not be less than 1ms (i.e. 1000)"),
    (
        {"cpus": 1, "cpu_quota": 5000},
        "Conflicting options: Nano CPUs and CPU Quota cannot both be set",
    ),
    ({"oom_score_adj": 2000}, "Invalid value 2000, range for oom score adj is [-1000, 1000]"),
    ({"cap_add": ["FOO"]}, 'invalid CapAdd: unknown capability: "CAP_FOO"'),
    ({"security_opt": ["foo=bar"]}, 'invalid --security-opt 2: "foo=bar"'),
    ({"ipc": "foo"}, "invalid IPC mode: foo"),
    (
        {"workdir": "rel"},
        "the working directory 'rel' is invalid, it needs to be an absolute path",
    ),
    ({"stop_signal": "foo"}, "invalid signal: foo"),
    (
        {"volume": ["/a:b"]},
        (
            "invalid volume specification: '/a:b': invalid mount config for type \"bind\":"
            " invalid mount path: 'b' mount path must be absolute"
        ),
    ),
    (
        {"volume": ["/a:/"]},
        (
            "invalid volume specification: '/a:/': invalid mount config for type \"bind\":"
            " invalid specification: destination can't be '/'"
        ),
    ),
    ({"volume": ["aa:/x", "bb:/x/"]}, "Duplicate mount point: /x"),
    (
        {"mount": ["type=bind,target=/x"]},
        'invalid mount config for type "bind": field Source must not be empty',
    ),
    (
        {"mount": ["type=bind,src=/nope,target=/x"]},
        'invalid mount config for type "bind": bind source path does not exist: /nope',
    ),
    (
        {"mount": ["type=volume,target=/x,readonly"]},
        (
            'invalid mount config for type "volume":'
            " must not set ReadOnly mode when using anonymous volumes"
        ),
    ),
    (
        {"mount": ["type=volume,src=v,target=/x,volume-subpath=../y"]},
        'invalid mount config for type "volume": subpath must be a relative path within the volume',
    ),
    ({"tmpfs": ["rel"]}, "invalid mount path: 'rel' mount path must be absolute"),
    ({"tmpfs": ["/x:foo"]}, 'invalid tmpfs option ["foo"]'),
    ({"health_interval": "5us"}, "Interval in Healthcheck cannot be less than 1ms"),
    ({"log_opt": ["foo=bar"]}, "unknown log opt 'foo' for json-file log driver"),
    (
        {"log_driver": "foo"},
        'error looking up logging plugin foo: plugin "foo" not found',
    ),
    ({"ip": "1.2.3"}, "invalid IPv4 address: 1.2.3"),
    (
        {"ip": "172.17.0.9"},
        "user specified IP address is supported on user defined networks only",
    ),
    (
        {"network": "container:x", "publish": ["80"]},
        "conflicting options: port publishing and the container type network mode",
    ),
    (
        {"network": "container:x", "hostname": "h"},
        "conflicting options: hostname and the network mode",
    ),
    ({"uts": "host", "hostname": "h"}, "conflicting options: hostname and the UTS mode"),
]


@pytest.mark.parametrize(("options", "words"), REFUSED, ids=lambda value: str(value)[:40])
def test_what_dockerd_refuses_is_refused_in_its_words(
    options: dict[str, object], words: str
) -> None:
    with pytest.raises(WherryError) as failure:
        check_config(config_from_options("busybox", (), options, cwd="/", environ={}))
    assert failure.value.message == words


def test_an_ordinary_configuration_passes() -> None:
    check_config(
        config_from_options(
            "busybox",
            ("true",),
            {"memory": "64m", "volume": ["data:/data", "/tmp:/t:ro"], "publish": ["8080:80"]},
            cwd="/",
            environ={},
        )
    )
