"""Builds by BuildKit's protocol, as buildx drives them, by a client that is told everything."""

import asyncio
import json
import os
from base64 import b64decode
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlencode

import pytest

from tests.api.wire import ask
from wherry.api.buildkit.grpc import CallFailed
from wherry.api.buildkit.grpc import ask as call_method
from wherry.api.buildkit.messages import control
from wherry.api.buildkit.messages.progress import STATUS_RESPONSE
from wherry.testing.buildkit import BuildKitClient, Outcome
from wherry.testing.command import Wherry
from wherry.testing.service import RunningService
from wherry.testing.waiting import eventually

DOCKERFILE = """\
FROM busybox
COPY . /context
RUN echo said && cat /context/a
"""
ATTRS = {"filename": "Dockerfile"}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A context with an ignore file."""
    folder = tmp_path / "project"
    (folder / "sub").mkdir(parents=True)
    (folder / "Dockerfile").write_text(DOCKERFILE)
    (folder / "a").write_text("first")
    (folder / "sub/b").write_text("b")
    (folder / "secret").write_text("not for builds")
    (folder / ".dockerignore").write_text("# not these\nsecret\n")
    return folder


def built(
    service: RunningService,
    project: Path,
    attrs: dict[str, str],
    *exporters: control.Exporter,
    prepare: Callable[[BuildKitClient], None] = lambda _client: None,
    direct: bool = False,
) -> tuple[Outcome, BuildKitClient]:
    async def build() -> tuple[Outcome, BuildKitClient]:
        async with BuildKitClient(service.socket, shared_key=str(project)) as client:
            client.folders |= {"context": project, "dockerfile": project}
            prepare(client)
            return await client.build({**ATTRS, **attrs}, *exporters, direct=direct), client

    return asyncio.run(build())


def image(*names: str) -> control.Exporter:
    return control.Exporter(type="moby", attrs={"name": ",".join(names)})


def test_a_build_is_told_step_by_step_and_leaves_an_image(
    service: RunningService, wherry: Wherry, project: Path
) -> None:
    outcome, client = built(service, project, {"label:x": "y"}, image("one:1", "two"))

    found = wherry("images", "-q", "--no-trunc", "one:1").stdout.strip()
    assert outcome.response["containerimage.config.digest"] == found
    assert outcome.response["image.name"] == "docker.io/library/one:1,docker.io/library/two:latest"
    assert outcome.names == [
        "[internal] load build definition from Dockerfile",
        "[internal] load .dockerignore",
        "[internal] load build context",
        "[internal] load metadata for docker.io/library/busybox:latest",
        "[1/3] FROM docker.io/library/busybox:latest",
        "[2/3] COPY . /context",
        "[3/3] RUN echo said && cat /context/a",
        "exporting to image",
    ]
    assert outcome.log == b"said\nfirst"
    assert client.metadata[-1]["exclude-patterns"] == "secret"


def test_only_what_has_changed_is_sent_again(
    service: RunningService, wherry: Wherry, project: Path
) -> None:
    (project / ".dockerignore").unlink()
    _, first = built(service, project, {})
    assert {"a", "secret", "sub/b"} <= set(first.sent)
    (project / "a").write_text("other")
    (project / "sub/b").unlink()
    os.symlink("a", project / "link")

    outcome, second = built(service, project, {}, image("again"))

    assert second.sent == ["Dockerfile", "a"]  # the Dockerfile is always read
    assert outcome.log == b"said\nother"
    listed = wherry("run", "--rm", "again", "find", "/context", "-type", "f", "-o", "-type", "l")
    names = {"Dockerfile", "a", "link", "secret"}
    assert set(listed.stdout.split()) == {f"/context/{name}" for name in names}
    third, _ = built(service, project, {})
    assert "[3/3] RUN echo said && cat /context/a" in third.cached


def test_a_failure_is_told_with_its_place(
    service: RunningService, wherry: Wherry, project: Path
) -> None:
    (project / "Dockerfile").write_text("FROM busybox\nRUN echo no; exit 3\n")

    with pytest.raises(CallFailed) as caught:
        built(service, project, {})

    said = 'process "/bin/sh -c echo no; exit 3" did not complete successfully: exit code: 3'
    assert (caught.value.code, caught.value.message) == (2, said)
    (detail,) = caught.value.details
    assert detail.type_url == "github.com/moby/buildkit/errdefs.Source+json"
    place = json.loads(detail.value)
    assert place["ranges"] == [{"start": {"line": 2}, "end": {"line": 2}}]
    assert b64decode(place["info"]["data"]) == (project / "Dockerfile").read_bytes()


def test_a_step_gets_the_clients_secret_and_the_client_the_files(
    service: RunningService, wherry: Wherry, project: Path, tmp_path: Path
) -> None:
    step = "RUN --mount=type=secret,id=s mkdir d; cp /run/secrets/s /d/out; ln -s out /d/link"
    (project / "Dockerfile").write_text(
        f"FROM busybox AS one\n{step}\nFROM scratch\nCOPY --from=one /d /sub\n"
    )
    output = tmp_path / "output"
    output.mkdir()

    def prepare(client: BuildKitClient) -> None:
        client.secrets["s"] = b"told to nobody"
        client.output = output

    built(service, project, {}, control.Exporter(type="local"), prepare=prepare)

    assert (output / "sub/out").read_bytes() == b"told to nobody"
    assert (output / "sub/link").is_symlink()


def test_checks_warn_and_questions_are_answered(service: RunningService, project: Path) -> None:
    (project / "Dockerfile").write_text("FROM busybox AS Base\n# A is one\nARG A=1\n")

    def answer(question: str) -> tuple[dict[str, object], list[str]]:
        attrs = {"requestid": f"frontend.{question}"}
        (project / "large").write_bytes(b"not sent for this")
        outcome, client = built(service, project, attrs)
        assert set(client.sent) <= {"Dockerfile", ".dockerignore"}
        return json.loads(outcome.facts["result.json"]), [
            str(outcome.facts["result.statuscode"], "ascii"),
            *outcome.response,
        ]

    warned, _ = built(service, project, {})
    checked, status = answer("lint")
    outline, fine = answer("outline")
    targets, _ = answer("targets")

    said = "StageNameCasing: Stage name 'Base' should be lowercase (line 1)"
    assert warned.warnings == [said]
    assert [each["ruleName"] for each in checked["warnings"]] == ["StageNameCasing"]  # type: ignore[attr-defined]
    assert (status, fine) == (["1"], ["0"])
    assert outline["args"][0]["description"] == "is one"  # type: ignore[index]
    assert targets["targets"][0]["name"] == "base"  # type: ignore[index]


def test_without_a_key_nothing_is_kept_of_a_context(
    service: RunningService, tmp_path: Path
) -> None:
    async def log_of(word: str) -> bytes:
        folder = tmp_path / word
        folder.mkdir()
        (folder / "Dockerfile").write_text("FROM busybox\nCOPY a /\nRUN cat /a\n")
        (folder / "a").write_text(word)
        os.utime(folder / "a", (0, 0))  # of one size and one time
        async with BuildKitClient(service.socket, shared_key="") as client:
            client.folders |= {"context": folder, "dockerfile": folder}
            return (await client.build(ATTRS)).log

    assert [asyncio.run(log_of(word)) for word in ("one", "two")] == [b"one", b"two"]


def test_nobody_takes_the_place_of_a_session(service: RunningService) -> None:
    async def run() -> int:
        async with BuildKitClient(service.socket) as client:
            return await asyncio.to_thread(offered, client.id)

    def offered(session_id: str) -> int:
        headers = {"X_Docker_Expose_Session_Uuid": session_id, "Upgrade": "h2c"}
        return ask(service.socket, "POST", "/session", None, **headers).status

    assert asyncio.run(run()) == 409


def test_an_archive_is_sent_as_it_is_made(
    service: RunningService, wherry: Wherry, project: Path
) -> None:
    _, client = built(service, project, {}, control.Exporter(type="docker", attrs={"name": "arc"}))

    assert wherry("load", stdin=client.archive).stdout == "Loaded image: arc:latest\n"


def test_builds_of_the_command_line_and_of_clients_take_turns(
    service: RunningService, wherry: Wherry, project: Path
) -> None:
    (project / "Dockerfile").write_text("FROM busybox\nLABEL told=here\n")

    for tag in ("one", "two"):
        wherry("build", "-q", str(project))
        built(service, project, {}, control.Exporter(type="moby", attrs={"name": tag}))

    assert wherry("image", "inspect", "-f", "{{.Config.Labels.told}}", "two").stdout == "here\n"


def test_a_client_that_goes_away_ends_its_build(
    service: RunningService, wherry: Wherry, project: Path
) -> None:
    (project / "Dockerfile").write_text("FROM busybox\nRUN echo begun; sleep 1000\n")

    async def leave() -> None:
        async with BuildKitClient(service.socket) as client:
            client.folders |= {"context": project, "dockerfile": project}
            building = asyncio.create_task(client.build(ATTRS))
            place = wherry.run_folder / "questions"
            await asyncio.to_thread(eventually, lambda: [*place.glob("*/ask")])
            building.cancel()
            await asyncio.gather(building, return_exceptions=True)

    asyncio.run(leave())

    eventually(lambda: not (wherry.run_folder / "questions").exists(), what="nothing is left")


def test_what_cannot_be_built_is_said_in_a_line(service: RunningService, project: Path) -> None:
    def said(**attrs: str) -> str:
        with pytest.raises(CallFailed) as caught:
            built(service, project, attrs, direct=True)
        return caught.value.message

    assert said(filename="missing") == (
        "failed to read dockerfile: open missing: no such file or directory"
    )
    assert said(filename="../Dockerfile").endswith("is outside of its folder")
    assert said(unheard="1") == "the build option unheard is not supported by this engine"
    two = said(platform="linux/amd64,linux/arm64")
    assert "linux/amd64,linux/arm64" in two
    assert "\n" not in two


def test_a_client_learns_what_there_is(service: RunningService, wherry: Wherry) -> None:
    async def asked(name: str) -> bytes:
        async with BuildKitClient(service.socket) as client:
            return await call_method(client.calls, f"/moby.buildkit.v1.Control/{name}", b"")

    workers = control.LIST_WORKERS_RESPONSE.decode(asyncio.run(asked("ListWorkers"))).workers
    info = control.INFO_RESPONSE.decode(asyncio.run(asked("Info")))
    with pytest.raises(CallFailed) as caught:
        asyncio.run(asked("ListenBuildHistory"))

    assert [each.os for each in workers[0].platforms] == ["linux"]
    address = workers[0].labels["org.mobyproject.buildkit.worker.moby.host-gateway-ip"]
    bridge = wherry("network", "inspect", "-f", "{{(index .IPAM.Config 0).Gateway}}", "bridge")
    assert bridge.stdout.strip() == address
    assert info.version is not None
    assert caught.value.code == 12


def test_a_client_of_before_buildx_builds_with_its_session(
    service: RunningService, wherry: Wherry, project: Path
) -> None:
    def path(**more: str) -> str:
        query = {"version": "2", "remote": "client-session", **more}
        return f"/build?{urlencode(query)}"

    async def run() -> tuple[list[dict[str, object]], list[dict[str, object]]]:
        async with BuildKitClient(service.socket) as client:
            client.folders |= {"context": project, "dockerfile": project}
            told = await asyncio.to_thread(
                lines_of, service.socket, path(session=client.id, t="older")
            )
            quiet = await asyncio.to_thread(
                lines_of, service.socket, path(session=client.id, q="1", target="none")
            )
            return told, quiet

    told, failed = asyncio.run(run())

    *traces, image_line = told
    messages = [STATUS_RESPONSE.decode(b64decode(str(line["aux"]))) for line in traces]
    found = wherry("images", "-q", "--no-trunc", "older").stdout.strip()
    assert image_line == {"id": "moby.image.id", "aux": {"ID": found}}
    assert Outcome(messages=messages).names[-1] == "exporting to image"
    assert [list(line) for line in failed] == [["errorDetail", "error"]]


def lines_of(path: Path, target: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in ask(path, "POST", target).body.splitlines()]
