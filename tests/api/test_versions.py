"""What differs by version of the API, and options of a query that are met or refused."""

import io
import json
import tarfile
import time
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.api.wire import Wire, ask
from wherry.testing.service import RunningService
from wherry.testing.sides import Side


@pytest.fixture
def path(service: RunningService) -> Path:
    return service.socket


def made(path: Path, version: str = "1.50", **config: object) -> str:
    body = {"Image": "busybox", "Cmd": ["sleep", "60"], **config}
    answer = ask(path, "POST", f"/v{version}/containers/create", body)
    assert answer.status == 201, answer
    return str(answer.json()["Id"])


def test_fields_that_were_dropped_are_there_for_older_clients(path: Path) -> None:
    old, new = (ask(path, "GET", f"/v{each}/info").json() for each in ("1.24", "1.50"))
    assert {"BridgeNfIptables", "KernelMemory", "ClusterStore"} <= old.keys() - new.keys()
    assert "seccomp" in old["SecurityOptions"]
    assert old["RuncCommit"] == {"ID": "", "Expected": ""}
    old, new = (
        ask(path, "GET", f"/v{each}/images/busybox/json").json() for each in ("1.49", "1.50")
    )
    assert old["Config"]["Tty"] is False
    assert "Tty" not in new["Config"]


def test_a_short_id_was_an_alias(path: Path, client: Side) -> None:
    client("network", "create", "own")
    box = made(path, HostConfig={"NetworkMode": "own"}, Hostname="host")
    for version, expected in (("1.44", [box[:12], "host"]), ("1.45", None)):
        document = ask(path, "GET", f"/v{version}/containers/{box}/json").json()
        assert document["NetworkSettings"]["Networks"]["own"]["Aliases"] == expected


def test_defaults_are_those_of_the_version(path: Path) -> None:
    box = made(path, "1.39", HostConfig={"Annotations": {"a": "b"}})
    host = ask(path, "GET", f"/containers/{box}/json").json()["HostConfig"]
    assert host["IpcMode"] == "shareable"
    assert not host.get("Annotations")
    endpoints: dict[str, object] = {"EndpointsConfig": {"bridge": {}, "other": {}}}
    body = {"Image": "busybox", "NetworkingConfig": endpoints}
    refused = ask(path, "POST", "/v1.43/containers/create", body)
    assert refused.message == (
        "Container cannot be created with multiple network endpoints: bridge, other"
    )


def test_the_list_of_images_has_what_is_asked_for(path: Path, client: Side) -> None:
    built = client("build", "-q", "-", stdin=b"FROM busybox\nRUN echo more > /more")
    assert built.status == 0
    plain = {each["SharedSize"] for each in ask(path, "GET", "/images/json").json()}
    asked = {each["SharedSize"] for each in ask(path, "GET", "/images/json?shared-size=1").json()}
    (named,) = ask(path, "GET", "/v1.40/images/json?filter=busybox").json()
    with_manifests = ask(path, "GET", "/images/json?manifests=1").json()

    assert plain == {-1}
    assert min(asked) > 0
    assert named["RepoTags"] == ["busybox:latest"]
    # One of each that came from a registry; what was made here has none yet.
    assert {one["Kind"] for each in with_manifests for one in each["Manifests"]} <= {"image"}


@pytest.mark.parametrize(
    ("method", "target", "status"),
    [
        ("POST", "/containers/box/start?checkpoint=one", 400),
        ("POST", "/containers/box/start?detachKeys=ctrl-%3F", 400),
        ("DELETE", "/images/busybox?platforms=linux%2Famd64&platforms=linux%2Farm64", 400),
        ("DELETE", "/images/busybox?platforms=linux%2Farm64", 404),
        ("GET", "/images/busybox/json?manifests=1&platform=linux%2Famd64", 400),
        ("GET", "/networks/bridge?scope=swarm", 404),
        ("DELETE", "/containers/box?link=1", 409),
        ("DELETE", "/containers/box/nosuch?link=1", 404),
        ("GET", "/images/search?term=busybox&limit=1000", 400),
    ],
)
def test_options_are_refused_in_a_line(method: str, target: str, status: int, path: Path) -> None:
    ask(path, "POST", "/containers/create?name=box", {"Image": "busybox"})
    answer = ask(path, method, target)
    assert answer.status == status, answer
    assert "\n" not in answer.message


def test_a_link_is_removed(path: Path, client: Side) -> None:
    client("run", "-d", "--name", "child", "busybox", "sleep", "60")
    client("create", "--name", "parent", "--link", "child:alias", "busybox")
    assert ask(path, "DELETE", "/containers/parent/alias?link=1").status == 204
    assert client("inspect", "-f", "{{.HostConfig.Links}}", "parent").stdout == "[]\n"


def test_a_load_tells_its_progress_unless_it_is_quiet(
    path: Path, client: Side, tmp_path: Path
) -> None:
    root = io.BytesIO()
    with tarfile.open(fileobj=root, mode="w") as tar:
        tar.addfile(tarfile.TarInfo("file"))
    client("import", "-", "loaded:1", stdin=root.getvalue())
    client("save", "-o", f"{tmp_path}/archive", "loaded:1")
    archive = (tmp_path / "archive").read_bytes()
    for query, kinds in (("quiet=1", {"stream"}), ("quiet=0", {"status", "stream"})):
        client("rmi", "loaded:1")
        answer = ask(
            path, "POST", f"/images/load?{query}", archive, Content_Type="application/x-tar"
        )
        assert {next(iter(json.loads(line))) for line in answer.body.splitlines()} == kinds


def test_an_exec_with_a_terminal_can_be_framed(path: Path) -> None:
    box = made(path)
    ask(path, "POST", f"/containers/{box}/start")
    body = {"Cmd": ["echo", "out"], "AttachStdout": True, "Tty": True}
    for bare, expected in ((True, b"out\r\n"), (False, b"\1\0\0\0\0\0\0\5out\r\n")):
        name = ask(path, "POST", f"/containers/{box}/exec", body).json()["Id"]
        with Wire(path) as wire:
            start = json.dumps({"Tty": bare, "Detach": False}).encode()
            wire.send("POST", f"/exec/{name}/start", start, Content_Type="application/json")
            assert wire.head()[0] == 200
            assert wire.to_end() == expected


def test_what_had_no_name_was_said_to_have_one(path: Path) -> None:
    root = io.BytesIO()
    with tarfile.open(fileobj=root, mode="w") as tar:
        tar.addfile(tarfile.TarInfo("file"))
    kind = "application/x-tar"
    made = ask(path, "POST", "/images/create?fromSrc=-", root.getvalue(), Content_Type=kind)
    image = json.loads(made.body.splitlines()[-1])["status"]

    def names(version: str) -> object:
        listed = ask(path, "GET", f"/v{version}/images/json").json()
        return next((e["RepoTags"], e["RepoDigests"]) for e in listed if e["Id"] == image)

    assert names("1.42") == (["<none>:<none>"], ["<none>@<none>"])
    assert names("1.43") == ([], [])
    assert ask(path, "DELETE", f"/images/{image}").status == 200


def test_an_image_of_another_machine_is_warned_of(path: Path) -> None:
    root = io.BytesIO()
    with tarfile.open(fileobj=root, mode="w") as tar:
        tar.addfile(tarfile.TarInfo("file"))
    target = "/images/create?fromSrc=-&repo=strange&tag=1&platform=linux/s390x"
    ask(path, "POST", target, root.getvalue(), Content_Type="application/x-tar")
    body = {"Image": "strange:1", "Cmd": ["x"]}
    (warning,) = ask(path, "POST", "/containers/create", body).json()["Warnings"]
    assert "platform (linux/s390x) does not match the detected host platform" in warning
    answer = ask(path, "POST", "/containers/create?platform=linux/s390x", body)
    assert answer.json()["Warnings"] == []


def test_events_of_images_can_be_told_by_their_labels(path: Path, client: Side) -> None:
    client("build", "-q", "-t", "labelled:1", "-", stdin=b"FROM busybox\nLABEL told=yes\n")
    client("rmi", "labelled:1")
    filters = quote('{"label": ["told=yes"], "type": ["image"]}')
    answer = ask(path, "GET", f"/events?since=1&until={time.time():.9f}&filters={filters}")
    actions = [json.loads(line)["Action"] for line in answer.body.splitlines()]
    assert actions == ["create", "tag", "untag", "delete"]
