"""What trips implementers of the protocol: each a test, on the bytes of the connection."""

import base64
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.api.wire import Answer, Wire, ask
from wherry.testing.command import Wherry
from wherry.testing.service import RunningService
from wherry.testing.waiting import eventually

Ask = Callable[..., Answer]
UPGRADE = {"Connection": "Upgrade", "Upgrade": "tcp"}


@pytest.fixture
def path(service: RunningService) -> Path:
    return service.socket


def made(path: Path, *command: str, **config: object) -> str:
    body = {"Image": "busybox", "Cmd": list(command), **config}
    answer = ask(path, "POST", "/containers/create", body)
    assert answer.status == 201, answer
    document = answer.json()
    assert document["Warnings"] == []
    return str(document["Id"])


def start(path: Path, container: str) -> None:
    assert ask(path, "POST", f"/containers/{container}/start").status == 204


def running(path: Path, *command: str, **config: object) -> str:
    container = made(path, *command, **config)
    start(path, container)
    return container


def exec_made(path: Path, container: str, *command: str, **config: object) -> str:
    body = {"Cmd": list(command), "AttachStdout": True, "AttachStderr": True, **config}
    answer = ask(path, "POST", f"/containers/{container}/exec", body).json()
    return str(answer["Id"])


# ---- errors, versions, paths


def test_every_reply_says_which_version_is_spoken(path: Path) -> None:
    for target in ("/_ping", "/nothing", "/v1.30/containers/json"):
        headers = ask(path, "GET", target).headers
        assert headers["api-version"] == "1.50"
        assert headers["ostype"] == "linux"
        assert headers["docker-experimental"] == "false"
        assert "(linux)" in headers["server"]


def test_a_ping_is_short_and_not_kept(path: Path) -> None:
    assert ask(path, "GET", "/_ping").body == b"OK"
    head = ask(path, "HEAD", "/_ping")
    assert head.status == 200
    assert head.headers["content-length"] == "0"
    assert head.headers["builder-version"] == "1"
    assert head.headers["swarm"] == "inactive"
    assert head.headers["cache-control"].startswith("no-cache")


@pytest.mark.parametrize(
    ("version", "words"), [("1.23", "is too old"), ("1.51", "is too new"), ("9.9", "is too new")]
)
def test_a_version_that_is_not_spoken_is_refused(path: Path, version: str, words: str) -> None:
    answer = ask(path, "GET", f"/v{version}/version")
    assert answer.status == 400
    assert answer.message.startswith(f"client version {version} {words}")


@pytest.mark.parametrize(
    ("method", "target"), [("GET", "/nothing"), ("DELETE", "/info"), ("GET", "/v1.50/nope/x")]
)
def test_an_unknown_path_is_not_told_from_a_wrong_method(
    path: Path, method: str, target: str
) -> None:
    answer = ask(path, method, target)
    assert (answer.status, answer.message) == (404, "page not found")
    assert answer.headers["content-type"] == "application/json"


@pytest.mark.parametrize(
    ("body", "kind", "words"),
    [
        (b"{}", "text/plain", "unsupported Content-Type header"),
        (b'{"Image":"busybox"} {}', "application/json", "unexpected content after JSON"),
        (b"{", "application/json", "is not JSON"),
        (b"[]", "application/json", "not an object"),
        (b"[" * 100_000, "application/json", "nested deeper"),
        (b'{"Image":1}', "application/json", "Image is not a string"),
        (
            b'{"Image":"x","HostConfig":{"Memory":"x"}}',
            "application/json",
            "HostConfig.Memory is not",
        ),
        (b'{"Image":""}', "application/json", "invalid reference format"),
    ],
)
def test_a_bad_body_is_refused(path: Path, body: bytes, kind: str, words: str) -> None:
    answer = ask(path, "POST", "/containers/create", body, Content_Type=kind)
    assert answer.status == 400
    assert words in answer.message


def test_a_body_on_start_is_refused(path: Path) -> None:
    answer = ask(path, "POST", f"/containers/{made(path, 'true')}/start", {"a": 1})
    assert answer.status == 400


def test_what_is_not_false_is_true(path: Path) -> None:
    made(path, "true")
    for text in ("1", "true", "True", "yes", "anything"):
        assert len(ask(path, "GET", f"/containers/json?all={text}").json()) == 1
    for text in ("", "0", "no", "false", "False", "none"):
        assert ask(path, "GET", f"/containers/json?all={text}").json() == []


@pytest.mark.parametrize("filters", ['{"label":["a=b"]}', '{"label":{"a=b":true}}'])
def test_filters_come_in_two_forms(path: Path, filters: str) -> None:
    container = made(path, "true", Labels={"a": "b"})
    made(path, "true")

    found = ask(path, "GET", f"/containers/json?all=1&filters={filters}").json()

    assert [each["Id"] for each in found] == [container]


def test_an_unknown_filter_is_named(path: Path) -> None:
    answer = ask(path, "GET", '/containers/json?filters={"x":["y"]}')
    assert (answer.status, answer.message) == (400, "invalid filter 'x'")


def test_names_of_images_have_slashes(path: Path) -> None:
    target = "/images/busybox/tag?repo=ghcr.io/a/b&tag=1"
    assert ask(path, "POST", target).status == 201
    for name in ("ghcr.io/a/b:1", "ghcr.io%2Fa%2Fb:1"):
        assert ask(path, "GET", f"/images/{name}/json").status == 200
    assert ask(path, "DELETE", "/images/ghcr.io/a/b:1").status == 200


def test_html_is_not_escaped_and_lists_are_not_null(path: Path) -> None:
    container = made(path, "echo", "<&>", ExposedPorts={"80/tcp": {}})
    answer = ask(path, "GET", f"/containers/{container}/json")
    assert b"<&>" in answer.body
    (summary,) = ask(path, "GET", "/containers/json?all=1").json()
    assert summary["Ports"] == []
    assert summary["Mounts"] == []
    assert summary["Names"][0].startswith("/")
    assert isinstance(summary["Created"], int)


def test_a_missing_image_is_not_found_and_a_missing_network_is_not_taken_for_one(
    path: Path,
) -> None:
    body: dict[str, object] = {"Image": "nosuch:1", "Cmd": ["true"]}
    assert ask(path, "POST", "/containers/create", body).status == 404
    body = {"Image": "busybox", "Cmd": ["true"], "HostConfig": {"NetworkMode": "nosuch"}}
    assert ask(path, "POST", "/containers/create", body).status == 400


def test_starting_and_stopping_twice_is_not_modified(path: Path) -> None:
    container = running(path, "sleep", "60")
    again = ask(path, "POST", f"/containers/{container}/start")
    assert (again.status, again.body) == (304, b"")
    assert ask(path, "POST", f"/containers/{container}/stop?t=0").status == 204
    assert ask(path, "POST", f"/containers/{container}/stop?t=0").status == 304


def test_there_is_no_swarm_and_info_says_so(path: Path) -> None:
    info = ask(path, "GET", "/info").json()
    assert info["Swarm"]["LocalNodeState"] == "inactive"
    assert ask(path, "GET", "/nodes").status == 503


def test_options_of_another_mount_are_refused_from_1_42(path: Path) -> None:
    mount = {"Type": "volume", "Target": "/x", "BindOptions": {"Propagation": "rprivate"}}
    body = {"Image": "busybox", "Cmd": ["true"], "HostConfig": {"Mounts": [mount]}}
    assert ask(path, "POST", "/v1.42/containers/create", body).status == 400
    assert ask(path, "POST", "/v1.41/containers/create", body).status == 201


def test_what_older_clients_read_is_there_for_them(path: Path) -> None:
    new = ask(path, "GET", "/v1.50/images/busybox/json").json()
    old = ask(path, "GET", "/v1.43/images/busybox/json").json()
    assert "VirtualSize" not in new
    assert old["VirtualSize"] == old["Size"]
    assert "ContainerConfig" in old


# ---- streams


def test_attach_and_wait_come_before_start_and_lose_nothing(path: Path) -> None:
    container = made(path, "sh", "-c", "echo out; echo err >&2; exit 3")
    with Wire(path) as attached, Wire(path) as waiting:
        attached.send(
            "POST", f"/containers/{container}/attach?stream=1&stdout=1&stderr=1", **UPGRADE
        )
        status, headers = attached.head()
        assert status == 101
        assert headers["upgrade"] == "tcp"
        assert headers["content-type"] == "application/vnd.docker.multiplexed-stream"
        waiting.send("POST", f"/containers/{container}/wait?condition=next-exit")
        assert waiting.head()[0] == 200

        start(path, container)

        frames = attached.to_end()
        assert b"\x01\0\0\0\0\0\0\x04out\n" in frames
        assert b"\x02\0\0\0\0\0\0\x04err\n" in frames
        assert len(frames) == 24
        assert b'{"StatusCode":3}' in waiting.to_end_of_body()


def test_the_end_of_input_is_no_goodbye(path: Path) -> None:
    container = made(path, "sh", "-c", "cat; echo after", OpenStdin=True, StdinOnce=True)
    with Wire(path) as wire:
        wire.send("POST", f"/containers/{container}/attach?stream=1&stdin=1&stdout=1", **UPGRADE)
        assert wire.head()[0] == 101
        wire.socket.sendall(b"before\n")
        start(path, container)
        wire.socket.shutdown(1)

        assert wire.to_end().endswith(b"after\n")
        assert b"before\n" in wire.rest


def test_without_an_upgrade_the_connection_is_taken_all_the_same(path: Path) -> None:
    container = running(path, "sleep", "60")
    exec_id = exec_made(path, container, "echo", "x")
    with Wire(path) as wire:
        wire.send("POST", f"/v1.41/exec/{exec_id}/start", b"{}", Content_Type="application/json")
        status, headers = wire.head()
        assert status == 200
        assert headers["content-type"] == "application/vnd.docker.raw-stream"
        assert wire.to_end() == b"\x01\0\0\0\0\0\0\x02x\n"


def test_a_terminal_has_no_frames(path: Path) -> None:
    container = running(path, "sleep", "60")
    exec_id = exec_made(path, container, "tty", Tty=True)
    with Wire(path) as wire:
        wire.send(
            "POST",
            f"/exec/{exec_id}/start",
            b'{"Tty":true}',
            Content_Type="application/json",
            **UPGRADE,
        )
        assert wire.head()[1]["content-type"] == "application/vnd.docker.raw-stream"
        assert wire.to_end() == b"/dev/pts/0\r\n"


def test_a_missing_program_of_an_exec_is_told_in_its_stream(path: Path) -> None:
    container = running(path, "sleep", "60")
    exec_id = exec_made(path, container, "no-such-program")
    with Wire(path) as wire:
        wire.send(
            "POST", f"/exec/{exec_id}/start", b"{}", Content_Type="application/json", **UPGRADE
        )
        assert wire.head()[0] == 101
        text = wire.to_end()
    assert text[0] == 1
    assert b"executable file not found in $PATH" in text
    found = ask(path, "GET", f"/exec/{exec_id}/json").json()
    assert (found["ExitCode"], found["Running"]) == (127, False)
    assert ask(path, "POST", f"/exec/{exec_id}/start", {}).status == 409


def test_resize_needs_both_numbers(path: Path) -> None:
    container = running(path, "sleep", "60", Tty=True)
    assert ask(path, "POST", f"/containers/{container}/resize?h=10").status == 400
    assert ask(path, "POST", f"/containers/{container}/resize?h=10&w=20").status == 200


def test_logs_need_a_stream_and_have_nine_digits(path: Path) -> None:
    container = running(path, "echo", "line")
    ask(path, "POST", f"/containers/{container}/wait")
    assert ask(path, "GET", f"/containers/{container}/logs").status == 400
    body = ask(path, "GET", f"/containers/{container}/logs?stdout=1&timestamps=1&tail=all").body
    moment = body[8:].split()[0].decode()
    assert len(moment) == len("2026-01-01T00:00:00.123456789Z")


def test_following_a_log_ends_with_its_client(path: Path, service: RunningService) -> None:
    container = running(path, "sleep", "60")
    before = threads_of(service)
    with Wire(path) as wire:
        wire.send("GET", f"/containers/{container}/logs?stdout=1&follow=1")
        assert wire.head()[0] == 200
        # By their numbers: one of an earlier request may end meanwhile.
        came = eventually(lambda: threads_of(service) - before, what="somebody follows")
    eventually(lambda: came - threads_of(service), what="nobody follows")


def threads_of(service: RunningService) -> set[str]:
    return {thread.name for thread in Path(f"/proc/{service.process.pid}/task").iterdir()}


def test_the_mode_of_a_path_is_go_s(path: Path) -> None:
    container = made(path, "true")
    answer = ask(path, "HEAD", f"/containers/{container}/archive?path=/tmp")
    found = json.loads(base64.b64decode(answer.headers["x-docker-container-path-stat"]))
    assert found["name"] == "tmp"
    assert found["mode"] == 1 << 31 | 1 << 20 | 0o777
    assert ask(path, "HEAD", f"/containers/{container}/archive?path=/nope").status == 404
    assert ask(path, "PUT", f"/containers/{container}/archive?path=/nope", b"x").status == 404


def test_statistics_of_a_stopped_container_are_no_error(path: Path) -> None:
    container = made(path, "true")
    answer = ask(path, "GET", f"/containers/{container}/stats?stream=false")
    document = answer.json()
    assert document["id"] == container


def test_events_are_lines_of_json_and_none_is_lost(path: Path) -> None:
    with Wire(path) as wire:
        wire.send("GET", '/events?filters={"event":["create"]}')
        status, headers = wire.head()
        assert (status, headers["content-type"]) == (200, "application/json")
        made_ones = [made(path, "true") for _ in range(20)]
        seen = [json.loads(wire.chunk())["Actor"]["ID"] for _ in made_ones]
    assert seen == made_ones


def test_what_the_command_does_is_seen_at_once(path: Path, wherry: Wherry) -> None:
    name = wherry("run", "-d", "busybox", "sleep", "60").stdout.strip()
    (found,) = ask(path, "GET", "/containers/json").json()
    assert found["Id"] == name
    with Wire(path) as wire:
        wire.send("POST", f"/containers/{name}/wait?condition=removed")
        assert wire.head()[0] == 200
        wherry("rm", "-f", name)
        assert b'{"StatusCode":137}' in wire.to_end_of_body()


def test_a_websocket_carries_the_streams_bare(path: Path) -> None:
    container = made(path, "sh", "-c", "read line; echo got $line", OpenStdin=True, StdinOnce=True)
    with Wire(path) as wire:
        wire.send(
            "GET",
            f"/containers/{container}/attach/ws?stream=1&stdin=1&stdout=1",
            Connection="Upgrade",
            Upgrade="websocket",
            Sec_WebSocket_Version="13",
            Sec_WebSocket_Key=base64.b64encode(bytes(16)).decode(),
        )
        assert wire.head()[0] == 101
        start(path, container)
        # A text frame of a client: masked, here with zeros.
        wire.socket.sendall(bytes([0x81, 0x80 | 3, 0, 0, 0, 0]) + b"hi\n")
        assert wire.take(2 + 7) == bytes([0x82, 7]) + b"got hi\n"
        assert wire.take(2)[0] == 0x88


def test_who_asks_before_sending_is_told_to_go_on(path: Path) -> None:
    container = made(path, "true")
    with Wire(path) as wire:
        wire.send(
            "PUT",
            f"/containers/{container}/archive?path=/tmp",
            Expect="100-continue",
            Content_Length="1024",
        )
        assert wire.head()[0] == 100
        wire.socket.sendall(bytes(1024))  # an empty archive
        assert wire.answer().status == 200
