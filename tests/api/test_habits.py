"""What widely used clients do beside the description of the API, and dockerd lets them.

`scripts/test-clients` runs these at dockerd, too.
"""

import base64
import json
import socket
import time
from pathlib import Path
from typing import Any
from urllib.parse import quote

from tests.api.wire import Answer, Wire, ask
from wherry.testing.service import RunningService

Document = dict[str, Any]


def made(path: Path, name: str, body: Document | None = None) -> str:
    asked = {"Image": "busybox", "Cmd": ["sleep", "60"], "StopSignal": "SIGKILL", **(body or {})}
    answer = ask(path, "POST", f"/v1.41/containers/create?name={name}", asked)
    assert answer.status == 201, answer
    return str(answer.json()["Id"])


def started(path: Path, name: str, body: Document | None = None) -> Document:
    made(path, name, body)
    return restarted(path, name)


def restarted(path: Path, name: str) -> Document:
    assert ask(path, "POST", f"/containers/{name}/start").status == 204
    document: Document = ask(path, "GET", f"/v1.41/containers/{name}/json").json()
    return document


def test_a_name_may_begin_with_its_slash(engine_socket: Path) -> None:
    made(engine_socket, "/box")
    answer = ask(engine_socket, "GET", "/v1.41/containers//box/json?size=1")
    assert answer.status == 301
    assert answer.headers["location"] == "/v1.41/containers/box/json?size=1"
    assert ask(engine_socket, "GET", answer.headers["location"]).json()["Name"] == "/box"


def test_options_of_anything_are_answered(engine_socket: Path) -> None:
    with Wire(engine_socket) as wire:
        wire.send("OPTIONS", "/v1.41/nosuch")
        assert wire.answer().status == 200


def test_a_request_may_be_written_for_a_proxy(engine_socket: Path) -> None:
    assert ask(engine_socket, "GET", "http://docker/v1.41/_ping").body == b"OK"


def test_filters_are_read_leniently(engine_socket: Path) -> None:
    made(engine_socket, "one")
    made(engine_socket, "other")

    def names(filters: object) -> list[str]:
        text = quote(json.dumps(filters))
        listed = ask(engine_socket, "GET", f"/v1.41/containers/json?all=1&filters={text}").json()
        return sorted(each["Names"][0] for each in listed)

    assert names({"status": []}) == names({}) == ["/one", "/other"]
    assert names({"name": {"one": False}}) == names({"name": ["one"]}) == ["/one"]


def test_a_folder_is_looked_at_by_its_dot(engine_socket: Path) -> None:
    made(engine_socket, "box")
    target = "/v1.41/containers/box/archive?path=/tmp/."
    header = ask(engine_socket, "HEAD", target).headers["x-docker-container-path-stat"]
    assert json.loads(base64.b64decode(header))["name"] == "."


def test_a_container_is_made_again_from_what_is_said_of_it(engine_socket: Path) -> None:
    """As watchtower and Portainer do it for a newer image."""
    ask(engine_socket, "POST", "/v1.41/networks/create", {"Name": "own"})
    asked = {
        "Env": ["A=1"],
        "ExposedPorts": {"80/tcp": {}},
        "Healthcheck": {"Test": ["CMD", "true"]},
        "HostConfig": {
            "Binds": ["data:/data"],
            "NetworkMode": "own",
            "PortBindings": {"80/tcp": [{"HostIp": "127.0.0.1", "HostPort": ""}]},
            "RestartPolicy": {"Name": "unless-stopped"},
        },
        "Labels": {"a": "b"},
    }
    before = started(engine_socket, "box", asked)
    assert ask(engine_socket, "DELETE", "/v1.41/containers/box?force=1").status == 204
    networking = {"EndpointsConfig": before["NetworkSettings"]["Networks"]}
    again = {**before["Config"], "HostConfig": before["HostConfig"], "NetworkingConfig": networking}
    after = started(engine_socket, "box", again)

    assert after["Config"] == before["Config"]
    assert after["HostConfig"] == before["HostConfig"]
    (endpoint,) = after["NetworkSettings"]["Networks"].values()
    parting = {"Container": "box", "Force": True}
    assert ask(engine_socket, "POST", "/v1.41/networks/own/disconnect", parting).status == 200
    joining = {"Container": "box", "EndpointConfig": endpoint}
    assert ask(engine_socket, "POST", "/v1.41/networks/own/connect", joining).status == 200


def test_a_job_is_written_to_a_shell_that_starts_later(engine_socket: Path) -> None:
    """As GitLab's runner gives a job to its container."""
    streams = {f"Attach{name}": True for name in ("Stdin", "Stdout", "Stderr")}
    made(engine_socket, "job", {"Cmd": ["sh"], "OpenStdin": True, "StdinOnce": True, **streams})
    with Wire(engine_socket) as wire:
        target = "/v1.41/containers/job/attach?stream=1&stdin=1&stdout=1&stderr=1"
        wire.send("POST", target, Connection="Upgrade", Upgrade="tcp")
        assert wire.head()[0] == 101
        assert ask(engine_socket, "POST", "/containers/job/start").status == 204
        wire.socket.sendall(b"echo out\necho err >&2\nexit 3\n")
        wire.socket.shutdown(socket.SHUT_WR)
        said = wire.to_end()
    out, err = (bytes((number, 0, 0, 0, 0, 0, 0, 4)) for number in (1, 2))
    assert sorted((said[:12], said[12:])) == [out + b"out\n", err + b"err\n"]
    assert ask(engine_socket, "POST", "/containers/job/wait").json()["StatusCode"] == 3


def test_a_container_joins_all_of_its_sandbox(engine_socket: Path) -> None:
    """As cri-dockerd makes pods."""
    sandbox = started(
        engine_socket, "sandbox", {"Hostname": "pod", "HostConfig": {"IpcMode": "shareable"}}
    )
    mode = f"container:{sandbox['Id']}"
    host = {
        "NetworkMode": mode,
        "IpcMode": mode,
        "PidMode": mode,
        "CgroupParent": "/kube",
        "OomScoreAdj": 900,
        "CpuShares": 2,
        "CapDrop": ["ALL"],
        "MaskedPaths": [],
        "ReadonlyPaths": [],
    }
    document = started(engine_socket, "member", {"HostConfig": host})
    assert {key: document["HostConfig"][key] for key in host} == host
    assert document["NetworkSettings"]["Networks"] == {}
    change = {"CpuShares": 100, "CpuPeriod": 100_000, "CpuQuota": 20_000, "CpusetCpus": ""}
    assert ask(engine_socket, "POST", "/v1.41/containers/member/update", change).status == 200
    sample = ask(engine_socket, "GET", "/v1.41/containers/member/stats?stream=0&one-shot=1").json()
    assert sample["memory_stats"]["usage"] > 0


def test_an_exec_that_has_ended_had_a_process(engine_socket: Path) -> None:
    started(engine_socket, "box")
    asked = {"Cmd": ["true"], "AttachStdout": True}
    name = ask(engine_socket, "POST", "/v1.41/containers/box/exec", asked).json()["Id"]
    with Wire(engine_socket) as wire:
        wire.send("POST", f"/v1.41/exec/{name}/start", b"{}", Content_Type="application/json")
        assert wire.head()[0] == 200
        wire.to_end()
    found: Answer = ask(engine_socket, "GET", f"/v1.41/exec/{name}/json")
    assert (found.json()["Running"], found.json()["ExitCode"]) == (False, 0)
    assert found.json()["Pid"] > 0


def test_checkpoints_are_refused_in_a_line(service: RunningService) -> None:
    made(service.socket, "box")
    answer = ask(service.socket, "GET", "/containers/box/checkpoints")
    assert (answer.status, answer.message) == (501, "containers have no checkpoints here")


def test_whoever_watches_sees_networks_joined_and_left(engine_socket: Path) -> None:
    """As reverse proxies do, which look containers up again then."""
    before = time.time()
    made(engine_socket, "box", {"Cmd": ["true"]})
    restarted(engine_socket, "box")
    removed = ask(engine_socket, "POST", "/containers/box/wait?condition=not-running")
    assert removed.json()["StatusCode"] == 0
    assert ask(engine_socket, "DELETE", "/v1.41/containers/box?force=1").status == 204
    answer = ask(engine_socket, "GET", f"/v1.41/events?since={before:.9f}&until={time.time():.9f}")
    events = [json.loads(line) for line in answer.body.splitlines()]
    assert [(each["Type"], each["Action"]) for each in events] == [
        ("container", "create"),
        ("network", "connect"),
        ("container", "start"),
        ("container", "die"),
        ("network", "disconnect"),
        ("container", "destroy"),
    ]
    attributes = [each["Actor"]["Attributes"] for each in events if each["Type"] == "network"]
    expected = {"container": events[0]["Actor"]["ID"], "name": "bridge", "type": "bridge"}
    assert attributes == [expected, expected]


def test_a_window_may_have_its_size_before_its_exec_runs(engine_socket: Path) -> None:
    """As Portainer asks for both at once."""
    started(engine_socket, "box")
    until = 'until [ "$(stty -F /dev/tty size 2>/dev/null)" = "11 22" ]; do :; done; echo ok'
    asked = {"Cmd": ["sh", "-c", until], "AttachStdout": True, "Tty": True}
    name = ask(engine_socket, "POST", "/v1.41/containers/box/exec", asked).json()["Id"]
    with Wire(engine_socket) as resizing, Wire(engine_socket) as wire:
        resizing.send("POST", f"/v1.41/exec/{name}/resize?h=11&w=22")
        start = b'{"Tty": true}'
        wire.send("POST", f"/v1.41/exec/{name}/start", start, Content_Type="application/json")
        assert wire.head()[0] == 200
        assert resizing.answer().status == 200
        assert wire.to_end() == b"ok\r\n"
