"""What clients read of answers and do not check: nulls, moments, digests, lines of progress."""

import base64
import bz2
import gzip
import io
import json
import lzma
import re
import tarfile
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import zstandard

from tests.api.wire import Wire, ask
from wherry.testing.service import RunningService

NEVER = "0001-01-01T00:00:00Z"
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z")
COMPRESSIONS = (bytes, gzip.compress, bz2.compress, lzma.compress, zstandard.compress)


@pytest.fixture
def path(service: RunningService) -> Path:
    return service.socket


def got(path: Path, target: str) -> Any:
    answer = ask(path, "GET", target)
    assert answer.status == 200, answer
    return answer.json()


def made(path: Path, *command: str, **config: object) -> str:
    body = {"Image": "busybox", "Cmd": list(command), **config}
    return str(ask(path, "POST", "/containers/create", body).json()["Id"])


def packed(name: str) -> bytes:
    """A tar with one file of that name."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        tar.addfile(tarfile.TarInfo(name))
    return out.getvalue()


def test_a_container_waits_in_three_ways(path: Path) -> None:
    container = made(path, "sh", "-c", "exit 4")
    waited = ask(path, "POST", f"/containers/{container}/wait?condition=not-running")
    assert waited.json() == {"StatusCode": 0}  # it does not run, and has not
    with Wire(path) as following, Wire(path) as removed:
        following.send("POST", f"/containers/{container}/wait?condition=next-exit")
        removed.send("POST", f"/containers/{container}/wait?condition=removed")
        assert following.head()[0] == removed.head()[0] == 200
        ask(path, "POST", f"/containers/{container}/start")
        assert json.loads(following.to_end_of_body()) == {"StatusCode": 4}
        ask(path, "DELETE", f"/containers/{container}")
        assert json.loads(removed.to_end_of_body()) == {"StatusCode": 4}
    answer = ask(path, "POST", f"/containers/{container}/wait?condition=sometime")
    assert answer.status == 400


def test_ports_are_null_or_texts_and_moments_have_nanoseconds(path: Path) -> None:
    ports: dict[str, object] = {"80/tcp": {}, "81/tcp": {}}
    bindings = {"81/tcp": [{"HostIp": "127.0.0.1"}]}
    container = made(path, "sleep", "60", ExposedPorts=ports, HostConfig={"PortBindings": bindings})
    before = got(path, f"/containers/{container}/json")
    ask(path, "POST", f"/containers/{container}/start")
    document = got(path, f"/containers/{container}/json")

    assert before["State"]["StartedAt"] == before["State"]["FinishedAt"] == NEVER
    assert MOMENT.fullmatch(document["Created"])
    assert MOMENT.fullmatch(document["State"]["StartedAt"])
    found = document["NetworkSettings"]["Ports"]
    assert found["80/tcp"] is None
    assert [(each["HostIp"], each["HostPort"].isdecimal()) for each in found["81/tcp"]] == [
        ("127.0.0.1", True)
    ]
    assert document["NetworkSettings"]["IPAddress"]  # until 1.52
    assert document["Mounts"] == []


def test_images_are_named_by_their_configuration(path: Path) -> None:
    document = got(path, "/images/busybox/json")
    with tarfile.open(fileobj=io.BytesIO(ask(path, "GET", "/images/busybox/get").body)) as saved:
        manifest = saved.extractfile("manifest.json")
        assert manifest is not None
        config = json.load(manifest)[0]["Config"]
    assert document["Id"].removeprefix("sha256:") in config
    untagged = ask(path, "POST", "/images/create?fromSrc=-", packed("x"))
    image = json.loads(untagged.body.splitlines()[-1])["status"]
    (listed,) = [each for each in got(path, "/images/json?all=1") if each["Id"] == image]
    assert (listed["RepoTags"], listed["RepoDigests"]) == ([], [])
    assert isinstance(listed["Created"], int)
    assert ask(path, "DELETE", f"/images/{image}").status == 200


def test_statistics_are_of_two_samples_or_of_one(path: Path) -> None:
    container = made(path, "sleep", "60")
    ask(path, "POST", f"/containers/{container}/start")
    two = got(path, f"/containers/{container}/stats?stream=false")
    one = got(path, f"/containers/{container}/stats?stream=false&one-shot=true")

    assert two["precpu_stats"]["system_cpu_usage"] > 0
    assert two["read"] > two["preread"] > NEVER
    assert one["preread"] == NEVER
    memory = got(path, "/info")["MemTotal"]
    assert one["memory_stats"]["limit"] <= memory


def test_events_have_the_fields_of_old_and_a_fraction_of_a_second(path: Path) -> None:
    container = made(path, "true")
    (event,) = events(path, 0, container)
    nanoseconds = event["timeNano"]
    assert (event["status"], event["id"], event["from"]) == ("create", container, "busybox")
    assert event["time"] == nanoseconds // 10**9
    assert events(path, nanoseconds, container) == [event]
    assert events(path, nanoseconds + 1, container) == []


def events(path: Path, since_ns: int, container: str) -> list[Any]:
    seconds, rest = divmod(since_ns, 10**9)
    filters = json.dumps({"container": [container]}, separators=(",", ":"))
    now = got(path, "/info")["SystemTime"]  # which has just gone by
    assert MOMENT.fullmatch(now)
    until = f"{int(datetime.fromisoformat(now).timestamp())}{now[19:-1]}"
    with Wire(path) as wire:
        wire.send("GET", f"/events?since={seconds}.{rest:09}&until={until}&filters={filters}")
        return [json.loads(line) for line in wire.answer().body.splitlines()]


def test_options_of_addresses_are_null_unless_they_are_given(path: Path) -> None:
    def options(ipam: dict[str, object]) -> object:
        made = ask(path, "POST", "/networks/create", {"Name": "net", "IPAM": ipam}).json()
        found = got(path, f"/networks/{made['Id']}")["IPAM"]["Options"]
        assert ask(path, "DELETE", "/networks/net").status == 204
        return found

    assert [options({}), options({"Options": {}}), options({"Options": None})] == [None, {}, None]


def test_usage_is_told_in_lists(path: Path) -> None:
    found = got(path, "/system/df")
    lists = ("Images", "Containers", "Volumes", "BuildCache")
    assert all(isinstance(found[name], list) for name in lists)
    assert isinstance(found["LayersSize"], int)


def test_archives_are_taken_however_they_are_compressed(path: Path) -> None:
    container = made(path, "true")
    target = f"/containers/{container}/archive?path="
    for number, compress in enumerate[Callable[[bytes], bytes]](COMPRESSIONS):
        body = compress(packed(f"f{number}"))
        answer = ask(path, "PUT", f"{target}/tmp", body, Content_Type="application/x-tar")
        assert answer.status == 200, (compress, answer)
        assert ask(path, "HEAD", f"{target}/tmp/f{number}").status == 200
    tar = packed("f")
    assert ask(path, "PUT", f"{target}/etc/passwd", tar).status == 400
    found = ask(path, "GET", f"{target}/bin/sh").headers["x-docker-container-path-stat"]
    assert json.loads(base64.b64decode(found))["name"] == "sh"


def test_progress_is_lines_that_end_with_both_signs(path: Path) -> None:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for name, text in (
            ("good", "FROM busybox\nENV A=1\n"),
            ("bad", "FROM busybox\nCOPY x /\n"),
        ):
            entry = tarfile.TarInfo(name)
            entry.size = len(text)
            tar.addfile(entry, io.BytesIO(text.encode()))
    context, kind = out.getvalue(), "application/x-tar"
    good = ask(path, "POST", "/build?dockerfile=good", context, Content_Type=kind)
    bad = ask(path, "POST", "/build?dockerfile=bad", context, Content_Type=kind)

    for answer in (good, bad):
        assert (answer.status, answer.headers["content-type"]) == (200, "application/json")
        assert answer.body.endswith(b"\r\n")
        assert answer.body.count(b"\n") == answer.body.count(b"\r\n")
    said = [json.loads(line) for line in good.body.splitlines()]
    (aux,) = [line["aux"] for line in said if "aux" in line]
    assert aux["ID"].startswith("sha256:")
    failed = json.loads(bad.body.splitlines()[-1])
    assert failed["error"] == failed["errorDetail"]["message"]


def test_a_commit_may_bring_its_own_configuration(path: Path) -> None:
    container = made(path, "sleep", "60", Env=["A=1", "B=2"], Labels={"a": "b"}, User="7")
    asked = {
        "Cmd": ["cat"],
        "Env": ["A=0"],
        "ExposedPorts": {"80/tcp": {}},
        "OnBuild": ["RUN true"],
        "Shell": ["/bin/ash", "-c"],
        "WorkingDir": "/tmp",
    }
    target = f"/commit?container={container}&changes=USER%208"
    committed = ask(path, "POST", target, asked).json()["Id"]
    config = got(path, f"/images/{committed}/json")["Config"]

    assert {name: config[name] for name in ("Cmd", "OnBuild", "Shell", "WorkingDir", "User")} == {
        **{name: asked[name] for name in ("Cmd", "OnBuild", "Shell", "WorkingDir")},
        "User": "8",
    }
    assert config["Env"][:2] == ["A=0", "B=2"]
    assert config["Labels"] == {"a": "b"}
    assert config["ExposedPorts"] == {"80/tcp": {}}
    refused = ask(path, "POST", f"/commit?container={container}", b"[", Content_Type="text/plain")
    assert refused.status == 400
    assert ask(path, "DELETE", f"/images/{committed}").status == 200
