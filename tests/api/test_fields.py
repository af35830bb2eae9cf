"""Every field of a request's document is kept and shown, does something, or is refused."""

from pathlib import Path
from typing import Any

import pytest

from tests.api.wire import Answer, ask
from wherry.testing.dockerd import Dockerd
from wherry.testing.service import RunningService

Document = dict[str, Any]
CONFIG: Document = {
    "ArgsEscaped": True,
    "AttachStderr": True,
    "AttachStdin": True,
    "AttachStdout": True,
    "Cmd": ["-c", "true"],
    "Domainname": "example",
    "Entrypoint": ["sh"],
    "ExposedPorts": {"80/tcp": {}},
    "Healthcheck": {"Test": ["CMD", "true"], "Interval": 10**9, "Retries": 4},
    "Hostname": "h",
    "Image": "busybox",
    "Labels": {"a": "b"},
    "MacAddress": "02:42:ac:11:00:09",
    "OnBuild": ["RUN true"],
    "OpenStdin": True,
    "Shell": ["/bin/ash", "-c"],
    "StdinOnce": True,
    "StopSignal": "SIGUSR1",
    "StopTimeout": 5,
    "Tty": True,
    "User": "1:2",
    "Volumes": {"/v": {}},
    "WorkingDir": "/x",
}
HOST: Document = {
    "Binds": ["/tmp:/t:ro", "/anonymous"],
    "CapAdd": ["CAP_NET_ADMIN"],
    "CapDrop": ["CAP_CHOWN"],
    "CgroupParent": "/parent",
    "CgroupnsMode": "private",
    "ContainerIDFile": "/tmp/cid",
    "CpuPeriod": 50_000,
    "CpuQuota": 20_000,
    "CpuShares": 512,
    "CpusetCpus": "0",
    "CpusetMems": "0",
    "DeviceCgroupRules": ["c 1:3 r"],
    "Devices": [{"PathOnHost": "/dev/null", "PathInContainer": "/dev/n", "CgroupPermissions": "r"}],
    "Dns": ["192.0.2.1"],
    "DnsOptions": ["ndots:1"],
    "DnsSearch": ["example"],
    "ExtraHosts": ["a:192.0.2.2"],
    "GroupAdd": ["audio"],
    "Init": False,
    "IpcMode": "shareable",
    "LogConfig": {"Type": "json-file", "Config": {"mode": "non-blocking", "max-size": "1m"}},
    "MaskedPaths": ["/masked"],
    "Memory": 1 << 25,
    "MemoryReservation": 1 << 24,
    "MemorySwap": 1 << 26,
    "Mounts": [
        {"Type": "tmpfs", "Target": "/m", "TmpfsOptions": {"SizeBytes": 1 << 20, "Mode": 0o700}}
    ],
    "OomScoreAdj": 500,
    "PidMode": "host",
    "PidsLimit": 100,
    "PortBindings": {"80/tcp": [{"HostIp": "127.0.0.1", "HostPort": ""}]},
    "PublishAllPorts": True,
    "ReadonlyPaths": ["/readonly"],
    "ReadonlyRootfs": True,
    "RestartPolicy": {"Name": "on-failure", "MaximumRetryCount": 3},
    "ShmSize": 1 << 20,
    "Sysctls": {"net.ipv4.ip_forward": "1"},
    "Tmpfs": {"/tmpfs": "size=1m"},
    "Ulimits": [{"Name": "nofile", "Soft": 10, "Hard": 20}],
}

RELATIVE = (
    "invalid volume specification: 'x': invalid mount config for type \"volume\":"
    " invalid mount path: 'x' mount path must be absolute"
)


@pytest.fixture
def path(service: RunningService) -> Path:
    return service.socket


def create(path: Path, body: Document, version: str = "1.50") -> Answer:
    return ask(path, "POST", f"/v{version}/containers/create", {"Image": "busybox", **body})


def inspected(path: Path, body: Document, version: str = "1.50") -> Document:
    answer = create(path, body, version)
    assert answer.status == 201, answer
    document: Document = ask(path, "GET", f"/containers/{answer.json()['Id']}/json").json()
    return document


def test_what_is_said_of_a_container_is_kept(path: Path, dockerd: Dockerd) -> None:
    ours, theirs = (
        inspected(each, {**CONFIG, "HostConfig": HOST}, "1.41") for each in (path, dockerd.socket)
    )
    for document in (ours, theirs):
        assert {key: document["Config"].get(key) for key in CONFIG} == CONFIG
        assert {key: document["HostConfig"].get(key) for key in HOST} == HOST
    dockerd.remove_everything()


@pytest.mark.parametrize(
    ("body", "status", "message"),
    [
        (
            {"LogConfig": {"Type": "json-file", "Config": {"mode": "x"}}},
            400,
            "logger: logging mode not supported: x",
        ),
        (
            {"LogConfig": {"Type": "nosuch"}},
            400,
            'error looking up logging plugin nosuch: plugin "nosuch" not found',
        ),
        # 404 is for images alone, which clients then pull.
        ({"NetworkMode": "container:nosuch"}, 400, "No such container: nosuch"),
        ({"PidMode": "container:nosuch"}, 400, "No such container: nosuch"),
        ({"VolumesFrom": ["nosuch"]}, 400, "No such container: nosuch"),
        (
            {"Binds": ["x"]},
            400,
            RELATIVE,
        ),
        (
            {"DeviceRequests": [{"Driver": "nvidia", "Count": -1, "Capabilities": [["gpu"]]}]},
            501,
            'could not select device driver "nvidia" with capabilities: [[gpu]]',
        ),
        (
            {"IOMaximumIOps": 1},
            400,
            "invalid option: QoS maximum IOPs configuration is not supported on linux",
        ),
        (
            {"Isolation": "process"},
            400,
            "invalid isolation (process): linux only supports 'default'",
        ),
        (
            {"Mounts": [{"Type": "bind", "Source": "/", "Target": "/t", "VolumeOptions": {}}]},
            400,
            'VolumeOptions must not be specified on mount type "bind"',
        ),
        (
            {
                "Mounts": [
                    {"Type": "tmpfs", "Target": "/t", "TmpfsOptions": {"Options": [["suid"]]}}
                ]
            },
            400,
            'invalid mount config for type "tmpfs": invalid option: suid',
        ),
    ],
)
def test_what_cannot_be_is_refused(
    body: Document, status: int, message: str, module_service: RunningService
) -> None:
    answer = create(module_service.socket, {"HostConfig": body})
    assert (answer.status, answer.message) == (status, message)


def test_networks_of_two_kinds_do_not_go_together(path: Path) -> None:
    def refused(mode: str) -> str:
        endpoints: Document = {"EndpointsConfig": {"bridge": {}}}
        body = {"HostConfig": {"NetworkMode": mode}, "NetworkingConfig": endpoints}
        return create(path, body).message

    assert refused("host").startswith("container sharing network namespace with")
    assert refused("none").endswith("with one of the networks in private (none) mode")


def test_what_is_discarded_is_said(path: Path) -> None:
    mounts = {"VolumeDriver": "local", "Mounts": [{"Type": "volume", "Target": "/v"}]}
    for version, body, word in (
        ("1.50", {"HostConfig": {"CpuPercent": 1}}, "linux does not support CPU percent."),
        ("1.50", {"HostConfig": {"CpuCount": 1}}, "linux does not support CPU count."),
        ("1.50", {"HostConfig": {"KernelMemoryTCP": 1 << 25}}, "kernel memory TCP limit"),
        ("1.41", {"HostConfig": {"KernelMemory": 1 << 25}}, "kernel memory limit"),
        ("1.50", {"MacAddress": "02:42:ac:11:00:09"}, "MacAddress field is now deprecated"),
        ("1.50", {"HostConfig": mounts}, "volume-driver configuration is ignored"),
    ):
        (warning,) = create(path, body, version).json()["Warnings"]
        assert word in warning


def test_a_tmpfs_may_execute(path: Path) -> None:
    mount = {"Type": "tmpfs", "Target": "/t", "TmpfsOptions": {"Options": [["exec"]]}}
    body = {"Cmd": ["sh", "-c", "! grep ' /t .*noexec' /proc/mounts"]}
    document = inspected(path, {**body, "HostConfig": {"Mounts": [mount]}})
    assert document["HostConfig"]["Mounts"] == [mount]
    container = document["Id"]
    assert ask(path, "POST", f"/containers/{container}/start").status == 204
    assert ask(path, "POST", f"/containers/{container}/wait").json() == {"StatusCode": 0}


def test_the_address_of_a_container_goes_to_one_network(path: Path) -> None:
    def addresses(version: str, top: str, own: str) -> tuple[str, str]:
        endpoints = {"EndpointsConfig": {"bridge": {"MacAddress": own}}}
        document = inspected(path, {"MacAddress": top, "NetworkingConfig": endpoints}, version)
        found = document["NetworkSettings"]["Networks"]["bridge"]["MacAddress"]
        return document["Config"].get("MacAddress", ""), found

    one, other = "02:42:ac:11:00:09", "02:42:ac:11:00:08"
    assert addresses("1.50", one, "") == addresses("1.50", "", one) == (one, one)
    assert addresses("1.43", one, other) == (one, one)
    assert addresses("1.43", "", other) == ("", "")  # which came with 1.44
    body = {"MacAddress": one, "NetworkingConfig": {"EndpointsConfig": {"x": {}}}}
    assert "must match the identity" in create(path, body).message
    host = {"MacAddress": one, "HostConfig": {"NetworkMode": "host"}}
    assert create(path, host, "1.43").message.startswith("conflicting options: mac-address")
    joined = {"MacAddress": one, "HostConfig": {"NetworkMode": "container:box"}}
    assert create(path, joined).message.startswith("conflicting options: mac-address")


def test_a_network_may_be_given_by_its_id_and_by_its_name(path: Path) -> None:
    network = ask(path, "POST", "/networks/create", {"Name": "own"}).json()["Id"]
    endpoints = {"EndpointsConfig": {"own": {"Aliases": ["alias"]}}}
    body = {"HostConfig": {"NetworkMode": network}, "NetworkingConfig": endpoints}
    found = inspected(path, body)["NetworkSettings"]["Networks"]
    assert {name: each["Aliases"] for name, each in found.items()} == {"own": ["alias"]}


def test_older_versions_know_less(path: Path) -> None:
    host = {
        "AutoRemove": True,
        "ConsoleSize": [10, 20],
        "Mounts": [
            {"Type": "bind", "Source": "/tmp", "Target": "/t", "ReadOnly": True},
        ],
    }
    networks = {"EndpointsConfig": {"bridge": {"GwPriority": 3}}}
    body = {"HostConfig": host, "NetworkingConfig": networks}
    old, new = (inspected(path, body, version) for version in ("1.24", "1.50"))
    assert [each["HostConfig"]["AutoRemove"] for each in (old, new)] == [False, True]
    assert [each["HostConfig"]["ConsoleSize"] for each in (old, new)] == [[0, 0], [10, 20]]
    options = [each["HostConfig"]["Mounts"][0].get("BindOptions") for each in (old, new)]
    assert options == [{"ReadOnlyNonRecursive": True}, None]
    found = [each["NetworkSettings"]["Networks"]["bridge"]["GwPriority"] for each in (old, new)]
    assert found == [0, 3]


def test_an_update_changes_what_it_is_told_to(path: Path) -> None:
    container = inspected(path, {"HostConfig": {"PidsLimit": -1}})
    assert container["HostConfig"]["PidsLimit"] is None
    target = f"/containers/{container['Id']}"

    def update(body: Document, version: str = "1.50") -> Answer:
        return ask(path, "POST", f"/v{version}{target}/update", body)

    for body in (
        {"Devices": [{"PathOnHost": "/dev/null"}]},
        {"Ulimits": [{"Name": "nofile", "Soft": 1, "Hard": 2}]},
        {"MemorySwappiness": 10},
        {"OomKillDisable": True},
        {"IOMaximumBandwidth": 1},
    ):
        assert update(body).status == 400, body
    unsaid: Document = {
        "Devices": [],
        "Ulimits": None,
        "MemorySwappiness": -1,
        "OomKillDisable": False,
    }
    assert update(unsaid).json() == {"Warnings": []}
    assert update({"CpuPercent": 1}).json()["Warnings"] != []
    assert update({"Memory": 1 << 25}).status == 409  # more than what is set for both
    update({"PidsLimit": 5})
    update({"PidsLimit": 0}, "1.39")  # where it says nothing
    assert ask(path, "GET", f"{target}/json").json()["HostConfig"]["PidsLimit"] == 5
    update({"PidsLimit": -1})
    assert ask(path, "GET", f"{target}/json").json()["HostConfig"]["PidsLimit"] == 0


def test_a_commit_takes_along_what_the_container_only_keeps(path: Path) -> None:
    container = inspected(path, {"Shell": ["/bin/ash", "-c"], "OnBuild": ["RUN true"]})["Id"]

    def committed(body: Document | None) -> Document:
        image = ask(path, "POST", f"/commit?container={container}", body).json()["Id"]
        config: Document = ask(path, "GET", f"/images/{image}/json").json()["Config"]
        assert ask(path, "DELETE", f"/images/{image}").status == 200
        return {key: config.get(key) for key in ("Shell", "OnBuild")}

    assert committed(None) == {"Shell": ["/bin/ash", "-c"], "OnBuild": ["RUN true"]}
    assert committed({"User": "1"}) == {"Shell": None, "OnBuild": None}  # as in Docker


def test_a_network_has_the_families_that_its_options_name(path: Path) -> None:
    def made(version: str = "1.50", **body: object) -> tuple[bool, bool]:
        answer = ask(path, "POST", f"/v{version}/networks/create", {"Name": "own", **body})
        assert answer.status == 201, answer
        found = ask(path, "GET", "/networks/own").json()
        assert ask(path, "DELETE", "/networks/own").status == 204
        return found["EnableIPv4"], found["EnableIPv6"]

    option = {"com.docker.network.enable_ipv6": "true"}
    assert made() == (True, False)
    assert made(Options=option) == (True, True)
    assert made(Options=option, EnableIPv6=False) == (True, False)
    assert made(EnableIPv4=False, EnableIPv6=True) == (False, True)
    assert made("1.47", EnableIPv4=False) == (True, False)  # which did not know it
    wrong = {"Name": "own", "Options": {"com.docker.network.enable_ipv6": "perhaps"}}
    refused = ask(path, "POST", "/networks/create", wrong)
    assert refused.message == 'driver-opt "com.docker.network.enable_ipv6" is not a valid bool'
    assert ask(path, "POST", "/networks/create", {"Name": "n", "Scope": "swarm"}).status == 403
    assert ask(path, "POST", "/networks/create", {"Name": "n", "Scope": "global"}).status == 400


def test_an_exec_is_what_it_was_asked_to_be(path: Path) -> None:
    body: Document = {"Cmd": ["sleep", "60"], "User": "root"}
    container = inspected(path, body)["Id"]
    assert ask(path, "POST", f"/containers/{container}/start").status == 204

    def exec_(**asked: object) -> Answer:
        return ask(path, "POST", f"/containers/{container}/exec", {"Cmd": ["true"], **asked})

    found = ask(path, "GET", f"/exec/{exec_(DetachKeys='ctrl-a', Env=['']).json()['Id']}/json")
    assert found.json()["DetachKeys"] == "AQ=="  # bytes, as Go writes them
    assert found.json()["ProcessConfig"]["user"] == "root"
    assert exec_(Env=["=x"]).message == "invalid environment variable: =x"
    refused = exec_(User="nosuch")
    assert (refused.status, refused.message) == (
        400,
        "unable to find user nosuch: no matching entries in passwd file",
    )
