"""A working day of other clients: testcontainers, aiodocker, docker-compose.

Each is at a service of ours and does what its users do with it; skipped where it is not installed.
"""

import asyncio
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from wherry.testing.command import Wherry
from wherry.testing.service import RunningService, end_service, start_service

pytestmark = [
    pytest.mark.needs("containers"),
    pytest.mark.skipif(
        not os.environ.get("WHERRY_CLIENTS"), reason="for scripts/test-clients, see there"
    ),
]


@pytest.fixture
def service(wherry: Wherry, tmp_path: Path) -> Iterator[RunningService]:
    running = start_service(wherry, tmp_path / "docker.sock")
    yield running
    end_service(running)


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_testcontainers(service: RunningService, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", service.address)
    monkeypatch.setenv("TESTCONTAINERS_RYUK_DISABLED", "true")
    core = pytest.importorskip("testcontainers.core.container")
    waiting = pytest.importorskip("testcontainers.core.waiting_utils")

    server = core.DockerContainer("busybox").with_command("sh -c 'echo ready; httpd -f -p 80'")
    with server.with_exposed_ports(80) as web:
        waiting.wait_for_logs(web, "ready", timeout=10)
        assert int(web.get_exposed_port(80)) > 0
        assert web.exec("echo in it").output == b"in it\n"


def test_aiodocker(service: RunningService) -> None:
    aiodocker = pytest.importorskip("aiodocker")

    async def day() -> list[str]:
        docker = aiodocker.Docker(url=service.address)
        try:
            config = {"Image": "busybox", "Cmd": ["sh", "-c", "echo out; echo err >&2"]}
            container = await docker.containers.create(config=config, name="box")
            events = docker.events.subscribe()
            await container.start()
            assert (await container.wait())["StatusCode"] == 0
            assert [(await events.get())["Action"] for _ in range(2)] == ["connect", "start"]
            lines = await container.log(stdout=True, stderr=True)
            await container.delete()
            build = docker.images.build(
                fileobj=_context("FROM busybox\nRUN echo built"), encoding="identity", tag="a:1"
            )
            assert "Successfully tagged a:1\n" in [line.get("stream") for line in await build]
            assert [image for image in await docker.images.list() if image["RepoTags"] == ["a:1"]]
            return [str(line) for line in lines]
        finally:
            await docker.close()

    assert sorted(asyncio.run(day())) == ["err\n", "out\n"]


def _context(dockerfile: str) -> object:
    import io
    import tarfile

    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as tar:
        info = tarfile.TarInfo("Dockerfile")
        info.size = len(dockerfile)
        tar.addfile(info, io.BytesIO(dockerfile.encode()))
    data.seek(0)
    return data


COMPOSE = """
version: "3.8"
services:
  web:
    build: .
    networks: {own: {aliases: [front]}}
    volumes: ["data:/data"]
    healthcheck: {test: "true", interval: 1s}
  user:
    image: busybox
    command: sh -c 'ping -c 1 front && wget -q -O - http://web/f'
    networks: [own]
    depends_on: [web]
networks: {own: {}}
volumes: {data: {}}
"""


@pytest.mark.skipif(shutil.which("docker-compose") is None, reason="no docker-compose")
def test_docker_compose(service: RunningService, tmp_path: Path) -> None:
    project = tmp_path / "project"
    project.mkdir()
    (project / "docker-compose.yml").write_text(COMPOSE)
    (project / "f").write_text("from the web\n")
    (project / "Dockerfile").write_text(
        'FROM busybox\nCOPY f /www/f\nCMD ["httpd", "-f", "-h", "/www"]\n'
    )

    def compose(*words: str) -> str:
        result = subprocess.run(
            ["docker-compose", "--ansi", "never", *words],
            cwd=project,
            env={"PATH": os.environ["PATH"], "DOCKER_HOST": service.address},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert result.returncode == 0, result.stdout + result.stderr
        return result.stdout + result.stderr

    compose("build")
    compose("up", "-d", "web")
    assert "from the web" in compose("run", "--rm", "user")
    assert "Up" in compose("ps")
    assert compose("exec", "-T", "web", "cat", "/www/f") == "from the web\n"
    compose("up", "-d", "--scale", "web=2", "web")
    assert "web_2" in compose("ps")
    compose("logs")
    compose("down", "-v", "--rmi", "local")


def _plugin(name: str) -> bool:
    """Whether the stock client has the plugin, which Debian 13's docker-buildx and others bring."""
    result = subprocess.run(["docker", name, "version"], capture_output=True, check=False)
    return result.returncode == 0


@pytest.mark.skipif(shutil.which("docker") is None or not _plugin("buildx"), reason="no buildx")
def test_buildx(service: RunningService, tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub/f").write_text("from the context\n")
    (tmp_path / "word").write_text("secret\n")
    (tmp_path / ".dockerignore").write_text("word\n")
    (tmp_path / "Dockerfile").write_text(
        "# syntax=docker/dockerfile:1\nFROM busybox AS one\nARG A\n"
        "RUN --mount=type=secret,id=w cat /run/secrets/w > /w; echo $A > /a\n"
        "FROM busybox\nCOPY --from=one /w /a /\nCOPY . /c\n"
    )

    def docker(*words: str, status: int = 0) -> subprocess.CompletedProcess[str]:
        result = subprocess.run(
            ["docker", *words],
            cwd=tmp_path,
            env={**os.environ, "DOCKER_HOST": service.address, "BUILDKIT_PROGRESS": "plain"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert result.returncode == status, result.stderr
        return result

    options = ("--secret", "id=w,src=word", "--build-arg", "A=1", "-t", "x:1", "--iidfile", "iid")
    told = docker("buildx", "build", *options, ".").stderr
    image = docker("image", "inspect", "-f", "{{.Id}}", "x:1").stdout.strip()
    assert (tmp_path / "iid").read_text() == image
    assert "[one 1/2] FROM docker.io/library/busybox:latest" in told
    shown = docker("run", "--rm", "x:1", "sh", "-c", "cat /w /a /c/sub/f; ! test -e /c/word").stdout
    assert shown == "secret\n1\nfrom the context\n"
    assert "CACHED" in docker("build", *options, ".").stderr
    docker("buildx", "build", "-o", "out", ".")
    assert (tmp_path / "out/c/sub/f").is_file()
    (tmp_path / "Dockerfile").write_text("FROM busybox\nRUN exit 3\n")
    failed = docker("buildx", "build", ".", status=1).stderr
    assert "2 | >>> RUN exit 3" in failed
    assert "exit code: 3" in failed
    assert "Total:" in docker("buildx", "du").stdout


@pytest.mark.skipif(shutil.which("docker") is None or not _plugin("compose"), reason="no compose")
def test_compose_of_today_builds(service: RunningService, tmp_path: Path) -> None:
    (tmp_path / "compose.yaml").write_text(
        "services:\n  a: {build: ./a}\n  b: {build: {context: ./a, args: {X: two}}}\n"
    )
    (tmp_path / "a").mkdir()
    (tmp_path / "a/Dockerfile").write_text("FROM busybox\nARG X=one\nRUN echo $X > /x\n")
    environment = {**os.environ, "DOCKER_HOST": service.address, "COMPOSE_PROJECT_NAME": "both"}

    def run(*words: str) -> str:
        return subprocess.run(
            ["docker", *words],
            cwd=tmp_path,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            check=True,
        ).stdout

    run("compose", "build")
    assert [run("run", "--rm", f"both-{name}", "cat", "/x") for name in "ab"] == ["one\n", "two\n"]
