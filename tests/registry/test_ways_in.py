"""Registries behind proxies, on IPv6, behind client certificates; helpers; searching."""

import gzip
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from wherry.testing.archives import tar
from wherry.testing.command import Wherry
from wherry.testing.dockerd import Dockerd
from wherry.testing.registries import DockerRegistry, Exchange, HostileRegistry
from wherry.testing.token_server import TokenServer

pytestmark = pytest.mark.needs("root", "overlay")

LAYER = tar({"file": b"x" * 1000})


@pytest.fixture
def wherry(tmp_path: Path) -> Wherry:
    """An installation with nothing in it, and its own files of credentials and settings."""
    wherry = Wherry(tmp_path / "root", tmp_path / "run")
    wherry.environment["DOCKER_CONFIG"] = str(tmp_path / "docker")
    wherry.environment["XDG_CONFIG_HOME"] = str(tmp_path / "config")
    wherry.environment["WHERRY_LAUNCHER"] = "off"
    return wherry


@pytest.fixture
def registry() -> Iterator[HostileRegistry]:
    with HostileRegistry() as running:
        running.add_image({gzip.compress(LAYER): LAYER})
        yield running


def configure(tmp_path: Path, text: str) -> None:
    file = tmp_path / "config" / "wherry" / "config.toml"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


def test_a_registry_on_ipv6_is_pulled_from_and_tagged(wherry: Wherry) -> None:
    with HostileRegistry("::1") as registry:
        registry.add_image({gzip.compress(LAYER): LAYER})
        name = f"{registry.host}/team/app"

        assert f"Downloaded newer image for {name}:latest" in wherry("pull", name).stdout

        wherry("tag", name, f"{registry.host}/other:1")
        listed = wherry("images", "--format", "{{.Repository}}:{{.Tag}}").stdout.splitlines()
        assert sorted(listed) == sorted([f"{name}:latest", f"{registry.host}/other:1"])
        assert "team/app@sha256:" in wherry("images", "--digests", "--format",
                                            "{{.Repository}}@{{.Digest}}").stdout  # fmt: skip


def test_a_proxy_is_asked_and_one_that_is_not_wanted_is_not(
    wherry: Wherry, registry: HostileRegistry, tmp_path: Path
) -> None:
    configure(tmp_path, '[registry."far.invalid"]\ninsecure = true\n')
    wherry.environment["HTTP_PROXY"] = f"http://user:word@{registry.host}"

    wherry("pull", "far.invalid/team/app")

    _, path, headers = registry.seen[0]
    assert path == "http://far.invalid/v2/"
    assert headers["proxy-authorization"].startswith("Basic ")
    refused = wherry("pull", "far.invalid/team/app:other", NO_PROXY=".invalid", check=False)
    assert "lookup far.invalid: no such host" in refused.stderr


@pytest.mark.needs("registry")
def test_a_registry_that_wants_a_certificate_gets_it(wherry: Wherry, tmp_path: Path) -> None:
    with DockerRegistry(tls=True, asks_back=True) as registry:
        folder = tmp_path / "config" / "wherry" / "certs.d" / registry.host
        folder.mkdir(parents=True)
        shutil.copy(registry.certificate, folder / "ca.crt")
        wherry("import", "-", f"{registry.host}/team/app", stdin=LAYER)
        refused = wherry("push", f"{registry.host}/team/app", check=False)
        assert refused.returncode == 1
        assert "tls: " in refused.stderr

        shutil.copy(registry.certificate, folder / "client.cert")
        without_key = wherry("push", f"{registry.host}/team/app", check=False)
        assert "client.key" in without_key.stderr
        shutil.copy(registry.folder / "tls.key", folder / "client.key")

        assert "digest: sha256:" in wherry("push", f"{registry.host}/team/app").stdout


HELPER = """#!/bin/sh
echo "$1" >> {folder}/calls
case "$1" in
store) cat > {folder}/kept;;
get) cat > {folder}/asked
    cat {folder}/kept 2>/dev/null || {{ echo credentials not found in native keychain; exit 1; }};;
erase) cat > /dev/null; rm {folder}/kept;;
esac
"""


@pytest.mark.parametrize("setting", ["credsStore", "credHelpers"])
def test_a_helper_keeps_the_password_and_hands_it_out(
    wherry: Wherry, registry: HostileRegistry, tmp_path: Path, setting: str
) -> None:
    tokens = TokenServer(registry)
    tokens.private = {"team/app"}
    program = tmp_path / "bin" / "docker-credential-test"
    program.parent.mkdir()
    program.write_text(HELPER.format(folder=tmp_path))
    program.chmod(0o755)
    wherry.environment["PATH"] = f"{program.parent}:{wherry.environment['PATH']}"
    config = tmp_path / "docker" / "config.json"
    config.parent.mkdir()
    value: object = "test" if setting == "credsStore" else {registry.host: "test"}
    config.write_text(json.dumps({setting: value}))

    login = wherry("login", "-u", "ann", "--password-stdin", registry.host, stdin=b"secret")
    wherry("pull", f"{registry.host}/team/app")

    assert login.stdout == "Login Succeeded\n"
    assert login.stderr == ""  # nothing lies unencrypted
    assert "secret" not in config.read_text()
    assert json.loads((tmp_path / "kept").read_text()) == {
        "ServerURL": registry.host,
        "Username": "ann",
        "Secret": "secret",
    }
    wherry("logout", registry.host)
    assert (tmp_path / "calls").read_text().split()[-1] == "erase"
    assert "pull access denied" in wherry(
        "pull", f"{registry.host}/team/app:1", check=False
    ).stderr  # fmt: skip


FOUND = {"num_pages": 1, "num_results": 3, "page_size": 25, "query": "tool"}
RESULTS = [
    {"name": "tool", "description": "The tool itself\nand more", "star_count": 12,
     "is_official": True, "is_automated": False, "is_trusted": False},
    {"name": "someone/tool", "description": "A" * 60, "star_count": 40,
     "is_official": False, "is_automated": True, "is_trusted": True},
    {"name": "other/tool", "description": "", "star_count": 0,
     "is_official": False, "is_automated": False, "is_trusted": False},
]  # fmt: skip


@pytest.mark.needs("dockerd", "docker")
def test_searching_prints_what_docker_prints(wherry: Wherry, registry: HostileRegistry) -> None:
    def index(exchange: Exchange) -> None:
        if "/search" in exchange.path:
            (count,) = parse_qs(urlsplit(exchange.path).query)["n"]
            document = {**FOUND, "results": RESULTS[: int(count)]}
            exchange.answer(200, json.dumps(document).encode(), Content_Type="application/json")
        else:
            exchange.answer(200, b"true", X_Docker_Registry_Standalone="true")

    registry.behaviours = {"/v1/": index}
    term = f"{registry.host}/tool"
    with Dockerd("--iptables=false", "--bridge=none", own_network=False) as neighbour:
        for words in (
            (term,),
            ("--no-trunc", term),
            ("--filter", "stars=10", term),
            ("--filter", "is-official=true", term),
            ("--filter", "is-official=false", "--filter", "stars=1", term),
            ("--format", "{{.Name}} {{.StarCount}} {{.IsOfficial}}", term),
            ("--limit", "2", term),
            ("--limit", "200", term),
            ("--filter", "nonsense=1", term),
            ("--filter", "stars=many", term),
        ):
            ours = wherry("search", *words, check=False)
            theirs = neighbour.docker("search", *words, check=False)
            assert (ours.stdout, ours.returncode) == (theirs.stdout, theirs.returncode), words
            said = ours.stderr.removeprefix("wherry: ")
            assert said == theirs.stderr.removeprefix("Error response from daemon: "), words
