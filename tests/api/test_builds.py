"""Builds over the API: told as the classic builder tells them, by whichever client."""

import gzip
import io
import json
import re
import tarfile
import urllib.parse
from pathlib import Path

import pytest

from tests.api.wire import Answer, Wire, ask
from wherry.testing.command import Wherry
from wherry.testing.dockerd import Dockerd
from wherry.testing.service import RunningService
from wherry.testing.sides import Side
from wherry.testing.waiting import eventually

BUILDS = {
    "layers": """
FROM busybox
ARG A=1
RUN echo hello
RUN echo err >&2
COPY f /f
ENV B=2 C=3
WORKDIR /tmp/x
CMD ["sh"]
""",
    "stages": """
ARG BASE=busybox
FROM $BASE AS one
RUN echo one > /one
FROM busybox
COPY --from=one /one /
LABEL x=y
""",
    "failure": """
FROM busybox
ENV A=1
RUN echo before; exit 3
CMD ["never"]
""",
}
# What tells of intermediate images and containers, of which we have none; and what was cached,
# which the other daemon also says of instructions that make no layer.
_INTERMEDIATE = re.compile(
    r"^((?:\x1b\[0m)?) ?(---> [0-9a-f]{12}|---> Running in .*|Removing intermediate container .*"
    r"|---> Using cache)\n",
    re.MULTILINE,
)


def context_of(dockerfile: str, **files: str) -> bytes:
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as tar:
        for name, text in {"Dockerfile": dockerfile, "f": "text", **files}.items():
            info = tarfile.TarInfo(name)
            info.size = len(text)
            tar.addfile(info, io.BytesIO(text.encode()))
    return data.getvalue()


def build(path: Path, context: bytes, **query: str) -> Answer:
    words = urllib.parse.urlencode(query)
    return ask(path, "POST", f"/build?{words}", context, Content_Type="application/x-tar")


def messages(answer: Answer) -> list[dict[str, object]]:
    assert answer.status == 200, answer
    return [json.loads(line) for line in answer.body.splitlines() if line]


def told(answer: Answer) -> tuple[str, object]:
    """What is streamed, without IDs and what was cached; and the error at the end, if any."""
    text = re.sub(r"(?m)^Successfully built \w+$", "Successfully built it", streamed(answer))
    return _INTERMEDIATE.sub(r"\1", text), messages(answer)[-1].get("errorDetail")


def streamed(answer: Answer) -> str:
    return "".join(str(line.get("stream", "")) for line in messages(answer))


@pytest.mark.needs("docker", "dockerd")
@pytest.mark.parametrize("name", BUILDS)
def test_a_build_is_told_as_docker_tells_it(
    name: str, service: RunningService, dockerd: Dockerd
) -> None:
    context = context_of(BUILDS[name])
    for _ in range(2):  # the second time from the cache
        mine, theirs = (
            told(build(path, context, t="built:1", labels='{"l": "1"}', rm="1", forcerm="1"))
            for path in (service.socket, dockerd.socket)
        )
        assert mine == theirs
    dockerd.docker("rmi", "-f", "built:1", check=False)
    dockerd.docker("image", "prune", "-f")


def test_the_image_is_there_under_its_names(service: RunningService, client: Side) -> None:
    context = gzip.compress(
        context_of("FROM busybox\nARG A\nCOPY f /\nCMD echo $A; cat /f\nENV A=$A")
    )

    lines = messages(build(service.socket, context, t="built:1", buildargs='{"A": "a", "B": null}'))

    (aux,) = [line["aux"] for line in lines if "aux" in line]
    assert isinstance(aux, dict)
    assert ask(service.socket, "GET", "/images/built:1/json").json()["Id"] == aux["ID"]
    assert client("run", "--rm", "built:1").stdout == "a\ntext"


def test_a_squashed_build_adds_one_layer(service: RunningService) -> None:
    context = context_of("FROM busybox\nRUN echo 1 > /1\nRUN echo 2 > /2")
    build(service.socket, context, t="squashed:1", squash="1")

    below, squashed = (
        ask(service.socket, "GET", f"/images/{name}/json").json()["RootFS"]["Layers"]
        for name in ("busybox", "squashed:1")
    )

    assert squashed[:-1] == below


def test_a_quiet_build_says_its_image_alone(service: RunningService) -> None:
    context = context_of("FROM busybox\nRUN echo hello")
    headers = {"Content_Type": "application/tar", "X_Registry_Config": "no header"}  # as some say
    (line,) = messages(ask(service.socket, "POST", "/build?q=1", context, **headers))
    assert re.fullmatch(r"sha256:[0-9a-f]{64}\n", str(line["stream"]))


def test_the_cache_gives_only_what_cachefrom_names(service: RunningService) -> None:
    context = context_of("FROM busybox\nENV A=1\nRUN echo cached > /f")
    build(service.socket, context, t="source:1")

    from_source = streamed(build(service.socket, context, cachefrom='["source:1"]'))
    from_nothing = streamed(build(service.socket, context, cachefrom='["nosuch:1"]'))

    assert from_source.count("Using cache") == 2
    assert from_nothing.count("Using cache") == 0


@pytest.mark.parametrize(
    ("query", "status", "words"),
    [
        ({"dockerfile": "nope"}, 500, "Cannot locate specified Dockerfile: nope"),
        ({"t": "BAD"}, 400, "must be lowercase"),
        ({"target": "nope"}, 400, "could not be found"),
        ({"platform": "foobar"}, 400, "unknown operating system"),
        ({"platform": "linux/s390x,linux/arm64"}, 501, "Multi-platform build is not supported"),
        ({"buildargs": "no JSON"}, 400, "error reading build args"),
        ({"memory": "much"}, 400, "memory"),
        ({"outputs": '[{"Type":"tar"}]'}, 501, "outputs"),
        ({"version": "2"}, 501, "a context in the body"),
        ({"version": "3"}, 400, 'invalid version "3"'),
        ({"remote": "/etc"}, 400, "no address of a context"),
        ({"remote": "client-session"}, 400, "no address of a context"),
        ({"isolation": "hyperv"}, 400, "isolation"),
    ],
)
def test_what_cannot_be_built_has_a_status(
    query: dict[str, str], status: int, words: str, service: RunningService
) -> None:
    answer = build(service.socket, context_of("FROM busybox"), **query)
    assert answer.status == status
    assert words in answer.message


def test_a_build_ends_with_its_client(service: RunningService, wherry: Wherry) -> None:
    folders = wherry.run_folder / "containers"
    with Wire(service.socket) as wire:
        context = context_of("FROM busybox\nRUN echo begun; exec sleep 300")
        wire.send("POST", "/build?nocache=1", context, Content_Type="application/x-tar")
        wire.head()
        while b'{"stream":"begun' not in wire.chunk():
            pass
        assert list(folders.iterdir())
    eventually(lambda: not list(folders.iterdir()), what="the step is gone")


def test_a_build_can_be_cancelled(service: RunningService) -> None:
    with Wire(service.socket) as wire:
        context = context_of("FROM busybox\nRUN echo begun; exec sleep 300")
        wire.send(
            "POST", "/build?nocache=1&buildid=mine", context, Content_Type="application/x-tar"
        )
        wire.head()
        while b'{"stream":"begun' not in wire.chunk():
            pass
        assert ask(service.socket, "POST", "/build/cancel?id=mine").status == 200
        assert b"cancelled" in wire.to_end_of_body()


def test_the_stock_client_builds(client: Side, tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM busybox\nCOPY <<EOF /f\nwords\nEOF\nRUN cat /f")

    good = client("build", "-t", "built:1", str(tmp_path))
    bad = client("build", "-", stdin=b"FROM busybox\nRUN exit 4")

    assert "words" in good.stdout
    assert good.status == 0
    assert bad.status == 4
    assert "The command '/bin/sh -c exit 4' returned a non-zero code: 4" in bad.stderr


def test_a_step_finds_who_is_on_its_network(client: Side) -> None:
    client("network", "create", "own")
    client("run", "-d", "--name", "other", "--network", "own", "busybox", "sleep", "60")

    built = client(
        *("build", "--network", "own", "--no-cache", "-t", "built:1", "-"),
        stdin=b"FROM busybox\nRUN ping -c 1 other",
    )

    assert "1 packets received" in built.stdout
    assert built.status == 0


def test_the_cache_is_listed_and_pruned(service: RunningService) -> None:
    build(service.socket, context_of("FROM busybox\nRUN echo pruned > /pruned"))
    (image,) = [
        each["Id"]
        for each in ask(service.socket, "GET", "/images/json").json()
        if not each["RepoTags"]
    ]
    ask(service.socket, "DELETE", f"/images/{image}")
    caches = ask(service.socket, "GET", "/system/df?type=build-cache").json()["BuildCache"]
    (entry,) = [each for each in caches if "pruned" in each["Description"]]

    pruned = ask(service.socket, "POST", "/build/prune?all=1").json()

    assert entry["ID"] in pruned["CachesDeleted"]
    assert pruned["SpaceReclaimed"] >= entry["Size"]
