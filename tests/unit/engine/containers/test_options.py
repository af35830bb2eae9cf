"""The options of run, from the command line's texts and from Python's values."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from wherry.engine.containers.options.config import config_from_options
from wherry.errors import InvalidArgument, WherryError
from wherry.oci.container_config import (
    ContainerConfig,
    DeviceMapping,
    Healthcheck,
    HealthFailureAction,
    MountRequest,
    MountType,
    PortBinding,
    RestartPolicy,
    RestartPolicyName,
    Ulimit,
)


def config(**options: object) -> ContainerConfig:
    return config_in({}, **options)


def config_in(environ: Mapping[str, str], **options: object) -> ContainerConfig:
    return config_from_options("busybox", ["true"], options, cwd="/work", environ=environ)


# What docker 28.2 prints, after `docker: ` and `Error response from daemon: `.
REFUSED = [
    ({"memory": "abc"}, 'invalid argument "abc" for "-m, --memory" flag: invalid size: \'abc\''),
    ({"memory": "5xx"}, 'invalid argument "5xx" for "-m, --memory" flag: invalid suffix: \'xx\''),
    ({"memory": "-1"}, 'invalid argument "-1" for "-m, --memory" flag: invalid size: \'-1\''),
    (
        {"cpus": "abc"},
        'invalid argument "abc" for "--cpus" flag: failed to parse abc as a rational number',
    ),
    (
        {"cpus": "0.0000000001"},
        'invalid argument "0.0000000001" for "--cpus" flag: value is too precise',
    ),
    (
        {"pids_limit": "x"},
        (
            'invalid argument "x" for "--pids-limit" flag:'
            ' strconv.ParseInt: parsing "x": invalid syntax'
        ),
    ),
    (
        {"blkio_weight": "70000"},
        (
            'invalid argument "70000" for "--blkio-weight" flag:'
            ' strconv.ParseUint: parsing "70000": value out of range'
        ),
    ),
    (
        {"health_interval": "5"},
        'invalid argument "5" for "--health-interval" flag: time: missing unit in duration "5"',
    ),
    (
        {"attach": ["foo"]},
        (
            'invalid argument "foo" for "-a, --attach" flag:'
            " valid streams are STDIN, STDOUT and STDERR"
        ),
    ),
    (
        {"attach": ["stdout"], "detach": True},
        "conflicting options: cannot specify both --attach and --detach",
    ),
    (
        {"rm": True, "restart": "always"},
        "conflicting options: cannot specify both --restart and --rm",
    ),
    (
        {"restart": "on-failure:x"},
        "invalid restart policy format: maximum retry count must be an integer",
    ),
    ({"memory_swappiness": 200}, "invalid value: 200. Valid memory swappiness range is 0-100"),
    ({"volume": [""]}, "invalid empty volume spec"),
    ({"volume": ["::/x"]}, "invalid spec: ::/x: empty section between colons"),
    ({"volume": ["/a:"]}, "invalid spec: /a:: empty section between colons"),
    ({"volume": ["/a:/b:/c:ro"]}, "invalid spec: /a:/b:/c:ro: too many colons"),
    ({"volume": ["/a:/b:zz"]}, "invalid mode: zz"),
    ({"volume": ["/a:/c:ro,rw"]}, "invalid mode: ro,rw"),
    ({"volume": ["/c:ro"]}, "invalid volume specification: '/c:ro'"),
    (
        {"mount": ["foo"]},
        'invalid argument "foo" for "--mount" flag: invalid field \'foo\' must be a key=value pair',
    ),
    (
        {"mount": ["type=bind,src=/tmp"]},
        'invalid argument "type=bind,src=/tmp" for "--mount" flag: target is required',
    ),
    (
        {"mount": ['type=bind,src="a']},
        (
            'invalid argument "type=bind,src=\\"a" for "--mount" flag:'
            ' parse error on line 1, column 15: bare " in non-quoted-field'
        ),
    ),
    (
        {"mount": ["type=bind,src=/tmp,target=/x,volume-nocopy"]},
        (
            'invalid argument "type=bind,src=/tmp,target=/x,volume-nocopy" for "--mount" flag:'
            " cannot mix 'volume-*' options with mount type 'bind'"
        ),
    ),
    (
        {"mount": ["type=foo,target=/x"]},
        'invalid mount config for type "foo": mount type unknown',
    ),
    ({"device": ["a:b:c"]}, "bad mode specified: c"),
    ({"device": ["a"]}, "a is not an absolute path"),
    ({"device": ["a:b:c:d"]}, "bad format for path: a:b:c:d"),
    (
        {"device_cgroup_rule": ["c 1:3 rwmr"]},
        (
            'invalid argument "c 1:3 rwmr" for "--device-cgroup-rule" flag:'
            " invalid device cgroup format 'c 1:3 rwmr'"
        ),
    ),
    (
        {"device_read_bps": ["/dev/vda:x"]},
        (
            'invalid argument "/dev/vda:x" for "--device-read-bps" flag:'
            " invalid rate for device: /dev/vda:x. The correct format is"
            " <device-path>:<number>[<unit>]. Number must be a positive integer."
            " Unit is optional and can be kb, mb, or gb"
        ),
    ),
    (
        {"blkio_weight_device": ["/dev/vda:5"]},
        (
            'invalid argument "/dev/vda:5" for "--blkio-weight-device" flag:'
            " invalid weight for device: /dev/vda:5"
        ),
    ),
    (
        {"ulimit": ["foo=1"]},
        'invalid argument "foo=1" for "--ulimit" flag: invalid ulimit type: foo',
    ),
    (
        {"ulimit": ["nofile=5:1"]},
        (
            'invalid argument "nofile=5:1" for "--ulimit" flag:'
            " ulimit soft limit must be less than or equal to hard limit: 5 > 1"
        ),
    ),
    (
        {"ulimit": ["nofile=-1:5"]},
        (
            'invalid argument "nofile=-1:5" for "--ulimit" flag: ulimit soft limit must be less'
            " than or equal to hard limit: soft: -1 (unlimited), hard: 5"
        ),
    ),
    (
        {"sysctl": ["kernel.panic=1"]},
        (
            'invalid argument "kernel.panic=1" for "--sysctl" flag:'
            " sysctl 'kernel.panic=1' is not allowed"
        ),
    ),
    ({"pid": "foo"}, "--pid: invalid PID mode"),
    ({"uts": "foo"}, "--uts: invalid UTS mode"),
    ({"userns": "foo"}, "--userns: invalid USER mode"),
    ({"cgroupns": "foo"}, "--cgroupns: invalid CGROUP mode"),
    ({"security_opt": ["foo"]}, 'Invalid --security-opt: "foo"'),
    (
        {"security_opt": ["seccomp=/nope"]},
        "opening seccomp profile (/nope) failed: open /nope: no such file or directory",
    ),
    ({"health_retries": -1, "health_cmd": "x"}, "--health-retries cannot be negative"),
    (
        {"no_healthcheck": True, "health_cmd": "x"},
        "--no-healthcheck conflicts with --health-* options",
    ),
    (
        {"env": ["=x"]},
        'invalid argument "=x" for "-e, --env" flag: invalid environment variable: =x',
    ),
    (
        {"label": ["=x"]},
        'invalid argument "=x" for "-l, --label" flag: invalid label \'=x\': empty name',
    ),
    ({"env_file": ["/nope"]}, "open /nope: no such file or directory"),
    ({"storage_opt": ["foo"]}, "invalid storage option"),
    (
        {"platform": "foo"},
        (
            'error parsing specified platform: "foo": unknown operating system or architecture:'
            " invalid argument"
        ),
    ),
    (
        {"gpus": "foo=1"},
        "invalid argument \"foo=1\" for \"--gpus\" flag: unexpected key 'foo' in 'foo=1'",
    ),
    ({"gpus": "all"}, 'could not select device driver "" with capabilities: [[gpu]]'),
    ({"mac_address": "zz"}, "zz is not a valid mac address"),
    (
        {"add_host": ["foo:bar"]},
        'invalid argument "foo:bar" for "--add-host" flag: invalid IP address in add-host: "bar"',
    ),
    (
        {"dns": ["foo"]},
        'invalid argument "foo" for "--dns" flag: IP address is not correctly formatted: foo',
    ),
    (
        {"dns_search": ["a b"]},
        'invalid argument "a b" for "--dns-search" flag: a b is not a valid domain',
    ),
    (
        {"network": ["name=a,alias=x"], "network_alias": ["y"]},
        "conflicting options: cannot specify both --network-alias and per-network alias",
    ),
    ({"network": ["a", "a"]}, 'network "a" is specified multiple times'),
    (
        {"network": ["bridge", "a"]},
        "conflicting options: cannot attach both user-defined and non-user-defined network-modes",
    ),
    ({"publish": ["99999:80"]}, "invalid hostPort: 99999"),
    ({"expose": ["80:90"]}, "invalid port format for --expose: 80:90"),
]


@pytest.mark.parametrize(("options", "words"), REFUSED, ids=lambda value: str(value)[:40])
def test_what_docker_refuses_is_refused_in_its_words(
    options: dict[str, object], words: str
) -> None:
    with pytest.raises(WherryError) as failure:
        config(**options)
    assert failure.value.message == words


def test_an_unknown_option_is_named() -> None:
    with pytest.raises(InvalidArgument, match="unknown option: memroy"):
        config(memroy="1g")


@pytest.mark.parametrize(
    ("text", "request_"),
    [
        ("data:/x", MountRequest(type=MountType.VOLUME, source="data", target="/x")),
        (
            "data:/x:ro,nocopy",
            MountRequest(
                type=MountType.VOLUME,
                source="data",
                target="/x",
                mode="ro,nocopy",
                read_only=True,
                no_copy=True,
            ),
        ),
        (
            "./y:/z:rshared,z",
            MountRequest(
                type=MountType.BIND,
                source="/work/y",
                target="/z",
                mode="rshared,z",
                propagation="rshared",
                relabel="z",
                create_source=True,
            ),
        ),
        (
            "~/y:/z",
            MountRequest(type=MountType.BIND, source="/home/me/y", target="/z", create_source=True),
        ),
    ],
)
def test_a_volume_flag_is_a_bind_or_a_named_volume(text: str, request_: MountRequest) -> None:
    assert config_in({"HOME": "/home/me"}, volume=text).mounts == (request_,)


def test_a_volume_without_a_source_is_anonymous() -> None:
    assert config(volume=["/anon", "/anon"]).image_volumes == ("/anon",)


@pytest.mark.parametrize(
    ("text", "request_"),
    [
        (
            "type=bind,source=./a,target=/b,ro,bind-propagation=rslave,bind-recursive=disabled",
            MountRequest(
                type=MountType.BIND,
                source="/work/a",
                target="/b",
                read_only=True,
                propagation="rslave",
                recursive="disabled",
                from_mount_flag=True,
            ),
        ),
        (
            "src=data,dst=/b,volume-nocopy,volume-label=a=b,volume-opt=type=nfs,volume-subpath=x",
            MountRequest(
                type=MountType.VOLUME,
                source="data",
                target="/b",
                no_copy=True,
                volume_labels={"a": "b"},
                volume_options={"type": "nfs"},
                subpath="x",
                from_mount_flag=True,
            ),
        ),
        (
            '"type=volume","source=x","target=/b","volume-opt=o=addr=1,rw"',
            MountRequest(
                type=MountType.VOLUME,
                source="x",
                target="/b",
                volume_options={"o": "addr=1,rw"},
                from_mount_flag=True,
            ),
        ),
        (
            "type=tmpfs,target=/t,tmpfs-size=1m,tmpfs-mode=1770",
            MountRequest(
                type=MountType.TMPFS,
                target="/t",
                tmpfs_size=1 << 20,
                tmpfs_mode=0o1770,
                from_mount_flag=True,
            ),
        ),
    ],
)
def test_a_mount_flag_has_keys(text: str, request_: MountRequest) -> None:
    assert config(mount=text).mounts == (request_,)


def test_python_may_write_values_as_it_has_them() -> None:
    made = config(
        env={"A": 1, "B": "two"},
        label={"x": "y"},
        volume={"data": "/data", Path("/src"): ("/app", "ro")},
        mount={"type": "tmpfs", "target": "/t", "tmpfs_size": 4096},
        publish={8080: 80},
        memory=64 << 20,
        cpus=1.5,
        ulimit={"nofile": (1024, 2048)},
        health_cmd=["probe", "--fast"],
        health_interval=2.5,
        sysctl={"net.core.somaxconn": 10},
        network={"name": "web", "alias": ["a", "b"]},
    )

    assert made.env == ("A=1", "B=two")
    assert made.labels == {"x": "y"}
    assert [(m.source, m.target, m.read_only) for m in made.mounts[:2]] == [
        ("data", "/data", False),
        ("/src", "/app", True),
    ]
    assert made.mounts[2].tmpfs_size == 4096
    assert made.ports == (PortBinding(container_port=80, host_port="8080"),)
    assert made.exposed_ports == ("80/tcp",)
    assert (made.limits.memory, made.limits.nano_cpus) == (64 << 20, 1_500_000_000)
    assert made.limits.ulimits == (Ulimit(name="nofile", soft=1024, hard=2048),)
    assert made.healthcheck == Healthcheck(test=("CMD", "probe", "--fast"), interval=2_500_000_000)
    assert made.sysctls == {"net.core.somaxconn": "10"}
    assert (made.network_mode, made.networks[0].aliases) == ("web", ("a", "b"))


def test_the_command_lines_own_forms_mean_the_same() -> None:
    made = config(cpus="1.500000000", health_timeout="2500000000ns", health_cmd="x", stop_timeout=3)

    assert made.limits.nano_cpus == 1_500_000_000
    assert made.healthcheck == Healthcheck(test=("CMD-SHELL", "x"), timeout=2_500_000_000)
    assert made.stop_timeout == 3


def test_an_env_file_is_taken_as_it_is(tmp_path: Path) -> None:
    file = tmp_path / "env"
    file.write_bytes(b'\xef\xbb\xbf# note\n  A="quoted" # kept \nHOST\nMISSING\n\nB=$A\r\n')

    made = config_in({"HOST": "here"}, env_file=str(file), env=["C"])

    assert made.env == ('A="quoted" # kept ', "HOST=here", "B=$A", "C")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"BAD KEY=1\n", "variable 'BAD KEY' contains whitespaces"),
        (b"=1\n", "no variable name on line '=1'"),
        (b"\xff=1\n", "invalid utf8 bytes at line 1: [255 61 49]"),
    ],
)
def test_a_bad_env_file_is_refused(tmp_path: Path, content: bytes, words: str) -> None:
    file = tmp_path / "env"
    file.write_bytes(content)
    with pytest.raises(InvalidArgument) as failure:
        config(env_file=[str(file)])
    assert failure.value.message == f"invalid env file ({file}): {words}"


def test_a_seccomp_profile_travels_as_its_text(tmp_path: Path) -> None:
    (tmp_path / "p.json").write_text('{ "defaultAction" : "SCMP_ACT_ALLOW" }')

    made = config(security_opt=[f"seccomp={tmp_path}/p.json", "systempaths=unconfined"])

    assert made.security_options == ('seccomp={"defaultAction":"SCMP_ACT_ALLOW"}',)
    assert (made.masked_paths, made.readonly_paths) == ((), ())


def test_an_empty_entrypoint_is_not_the_same_as_none() -> None:
    assert config().entrypoint is None
    assert config(entrypoint="").entrypoint == ("",)
    assert config(entrypoint="/bin/sh").entrypoint == ("/bin/sh",)
    assert config(entrypoint=["sh", "-c"]).entrypoint == ("sh", "-c")


def test_stdin_is_closed_with_its_client_only_when_attached() -> None:
    attached, detached = config(interactive=True), config(interactive=True, detach=True)

    assert (attached.open_stdin, attached.stdin_once, attached.attach_stdin) == (True, True, True)
    assert (detached.open_stdin, detached.stdin_once, detached.attach_stdin) == (True, False, False)


def test_devices_policies_and_health_actions() -> None:
    made = config(
        device=["/dev/a", "/dev/a:rw", "/dev/a:/dev/b:r"],
        restart="on-failure:3",
        health_on_failure="kill",
        add_host=["db=10.0.0.1", "gw:host-gateway"],
    )

    assert made.limits.devices == (
        DeviceMapping(path_on_host="/dev/a", path_in_container="/dev/a"),
        DeviceMapping(path_on_host="/dev/a", path_in_container="/dev/a", cgroup_permissions="rw"),
        DeviceMapping(path_on_host="/dev/a", path_in_container="/dev/b", cgroup_permissions="r"),
    )
    assert made.restart_policy == RestartPolicy(
        name=RestartPolicyName.ON_FAILURE, maximum_retry_count=3
    )
    assert made.healthcheck == Healthcheck(on_failure=HealthFailureAction.KILL)
    assert made.extra_hosts == ("db:10.0.0.1", "gw:host-gateway")
