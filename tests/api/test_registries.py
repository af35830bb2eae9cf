"""Registries over the API: the stock client and plain requests, at Debian's docker-registry."""

import base64
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.api.wire import ask
from wherry.testing.registries import DockerRegistry
from wherry.testing.service import RunningService
from wherry.testing.sides import Side

pytestmark = pytest.mark.needs("registry")


@pytest.fixture(scope="module")
def registry() -> Iterator[DockerRegistry]:
    with DockerRegistry(user="me", password="secret") as running:
        yield running


@pytest.fixture
def user(client: Side, registry: DockerRegistry, tmp_path: Path) -> Side:
    """The stock client with a folder of its own for credentials, logged in."""
    environment = {**client.environment, "DOCKER_CONFIG": str(tmp_path)}
    side = Side(client.name, client.program, environment)
    words = ("login", "-u", "me", "--password-stdin", registry.host)
    assert side(*words, stdin=b"secret").stdout == "Login Succeeded\n"
    return side


def header(password: str) -> dict[str, str]:
    document = json.dumps({"username": "me", "password": password}).encode()
    return {"X_Registry_Auth": base64.urlsafe_b64encode(document).decode()}


def test_an_image_goes_there_and_back(user: Side, registry: DockerRegistry) -> None:
    name = f"{registry.host}/it:1"
    user("tag", "busybox", name)
    pushed = user("push", name)
    user("rmi", name)
    pulled = user("pull", name)

    digest = pushed.stdout.rpartition("digest: ")[2].partition(" ")[0]
    assert digest.startswith("sha256:")
    assert f"Digest: {digest}" in pulled.stdout
    assert "Downloaded newer image" in pulled.stdout
    built = user("build", "--pull", "-", stdin=f"FROM {name}\nRUN true".encode())
    assert built.status == 0, built


def test_who_has_no_credentials_is_turned_away(
    client: Side, user: Side, registry: DockerRegistry, tmp_path: Path
) -> None:
    name = f"{registry.host}/it:2"
    user("tag", "busybox", name)
    user("push", name)
    user("logout", registry.host)

    assert "no basic auth credentials" in user("push", name).stderr
    user("rmi", name)
    assert "no basic auth credentials" in user("pull", name).stderr
    refused = user("login", "-u", "me", "--password-stdin", registry.host, stdin=b"wrong")
    assert "401" in refused.stderr
    assert refused.status == 1


def test_progress_is_told_layer_by_layer(
    service: RunningService, user: Side, registry: DockerRegistry
) -> None:
    name = f"{registry.host}/it"
    user("tag", "busybox", f"{name}:1")
    auth = header("secret")
    pushed = ask(service.socket, "POST", f"/images/{name}/push?tag=1", **auth)
    user("rmi", f"{name}:1")
    pulled = ask(service.socket, "POST", f"/images/create?fromImage={name}&tag=1", **auth)

    sent = [json.loads(line) for line in pushed.body.splitlines()]
    assert sent[0] == {"status": f"The push refers to repository [{name}]"}
    assert sent[1]["status"] == "Preparing"
    assert sent[1]["progressDetail"] == {}
    assert sent[-1]["aux"]["Tag"] == "1"
    received = [json.loads(line) for line in pulled.body.splitlines()]
    assert received[0] == {"status": "Pulling from it", "id": "1"}
    assert received[-2] == {"status": f"Digest: {sent[-1]['aux']['Digest']}"}
    assert received[-1] == {"status": f"Status: Downloaded newer image for {name}:1"}


def test_what_a_registry_has_is_told(
    service: RunningService, user: Side, registry: DockerRegistry
) -> None:
    name = f"{registry.host}/it:1"
    user("tag", "busybox", name)
    user("push", name)

    found = ask(service.socket, "GET", f"/distribution/{name}/json", **header("secret"))
    missing = ask(service.socket, "GET", f"/distribution/{name}x/json", **header("secret"))
    refused = ask(service.socket, "GET", f"/distribution/{name}/json", **header("wrong"))

    assert found.json()["Platforms"][0]["os"] == "linux"
    assert found.json()["Descriptor"]["digest"].startswith("sha256:")
    assert (missing.status, refused.status) == (404, 401)
    assert user("search", registry.host + "/it", "--format", "{{.Name}}").stdout == "it\n"


def test_errors_before_the_first_line_have_a_status(
    service: RunningService, registry: DockerRegistry
) -> None:
    target = f"/images/create?fromImage={registry.host}/nosuch&tag=1"
    missing = ask(service.socket, "POST", target, **header("secret"))
    assert missing.status == 404
    assert "manifest unknown" in missing.message
    invalid = ask(service.socket, "POST", "/images/create?fromImage=UPPER")
    assert invalid.status == 400


def test_credentials_are_asked_and_unreadable_ones_are_none(
    service: RunningService, registry: DockerRegistry
) -> None:
    account = {"username": "me", "password": "secret", "serveraddress": registry.host}
    welcome = ask(service.socket, "POST", "/auth", account)
    assert (welcome.status, welcome.json()) == (
        200,
        {"Status": "Login Succeeded", "IdentityToken": ""},
    )
    target = f"/images/create?fromImage={registry.host}/nosuch&tag=1"
    answer = ask(service.socket, "POST", target, X_Registry_Auth="%%%")
    assert "no basic auth credentials" in answer.message
