"""Getting into a registry as into Docker Hub: tokens, their end, identities, refusals."""

import gzip
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from wherry.engine.engine import Engine
from wherry.engine.images.pull import PulledImage, pull_image
from wherry.engine.images.push import push_image
from wherry.errors import WherryError
from wherry.registry.patience import Patience
from wherry.registry.transport import Transport
from wherry.testing.archives import tar
from wherry.testing.command import Wherry
from wherry.testing.dockerd import Dockerd
from wherry.testing.registries import Exchange, HostileRegistry
from wherry.testing.token_server import Asked, TokenServer

pytestmark = pytest.mark.needs("root", "overlay")

HASTY = Patience(connect=2, stall=0.5, document=2, attempts=3, first_delay=0.01, longest_delay=0.02)
LAYER = tar({"file": bytes(range(256)) * 2000})
PACKED = gzip.compress(LAYER, 0)  # as many bytes on the line


@pytest.fixture
def registry() -> Iterator[HostileRegistry]:
    with HostileRegistry() as running:
        running.add_image({PACKED: LAYER})
        yield running


@pytest.fixture
def tokens(registry: HostileRegistry) -> TokenServer:
    return TokenServer(registry)


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "docker"))
    engine = Engine(tmp_path / "root", tmp_path / "run")
    yield engine
    engine.store.database.close()


@pytest.fixture
def wherry(tmp_path: Path) -> Wherry:
    wherry = Wherry(tmp_path / "root", tmp_path / "run")
    wherry.environment["DOCKER_CONFIG"] = str(tmp_path / "docker")
    wherry.environment["WHERRY_LAUNCHER"] = "off"
    return wherry


def pull(engine: Engine, registry: HostileRegistry) -> list[PulledImage]:
    transport = Transport(patience=HASTY, environ={})
    return pull_image(engine, f"{registry.host}/team/app", transport=transport)


def asked(**facts: object) -> Asked:
    default = {"method": "GET", "scopes": (), "account": "", "is_offline": False, "password": ""}
    return Asked(**{**default, **facts})  # type: ignore[arg-type]


def test_one_token_without_a_name_is_enough_for_a_public_image(
    engine: Engine, registry: HostileRegistry, tokens: TokenServer
) -> None:
    pull(engine, registry)

    assert tokens.asked == [asked(scopes=("repository:team/app:pull",))]
    assert tokens.refused == 1  # the first question of all, which finds the token server


def test_who_is_logged_in_asks_by_name_and_only_the_token_server(
    engine: Engine, registry: HostileRegistry, tokens: TokenServer, wherry: Wherry
) -> None:
    tokens.private = {"team/app"}
    wherry("login", "-u", "ann", "--password-stdin", registry.host, stdin=b"secret")
    tokens.asked.clear()
    registry.seen.clear()

    pull(engine, registry)

    assert tokens.asked == [
        asked(scopes=("repository:team/app:pull",), account="ann", password="secret")
    ]
    told = {path.partition("?")[0] for _, path, headers in registry.seen
            if headers.get("Authorization", "").startswith("Basic")}  # fmt: skip
    assert told == {"/token"}


def test_a_push_asks_for_both(
    engine: Engine, registry: HostileRegistry, tokens: TokenServer
) -> None:
    pull(engine, registry)
    tokens.asked.clear()

    push_image(engine, f"{registry.host}/team/app")  # all of it is there already

    assert tokens.asked == [asked(scopes=("repository:team/app:pull,push",))]


def test_a_token_that_ends_on_the_way_is_renewed_and_the_blob_gone_on_with(
    engine: Engine, registry: HostileRegistry, tokens: TokenServer
) -> None:
    blob = f"/blobs/{registry.add(PACKED)}"
    guard = registry.behaviours["/v2/"]

    def breaks_off(exchange: Exchange) -> None:
        if "Range" in exchange.headers:
            guard(exchange)
            return
        exchange.send_response(200)
        exchange.send_header("Content-Length", str(len(PACKED)))
        exchange.end_headers()
        exchange.wfile.write(PACKED[:100_000])
        exchange.wfile.flush()
        tokens.expire()
        exchange.close_connection = True

    registry.behaviours = {blob: breaks_off, **registry.behaviours}

    pull(engine, registry)

    sent = [(headers.get("Range"), headers["Authorization"]) for _, path, headers in registry.seen
            if blob in path]  # fmt: skip
    assert sent == [
        (None, "Bearer token-1"),
        ("bytes=100000-", "Bearer token-1"),
        ("bytes=100000-", "Bearer token-2"),
    ]


def test_tokens_that_are_never_good_end_with_an_error(
    engine: Engine, registry: HostileRegistry, tokens: TokenServer
) -> None:
    give = registry.behaviours["/token"]

    def stale(exchange: Exchange) -> None:
        give(exchange)
        tokens.expire()

    registry.behaviours["/token"] = stale

    with pytest.raises(WherryError, match="unauthorized: authentication required"):
        pull(engine, registry)
    assert len(tokens.asked) == 2


def test_an_identity_stands_in_for_the_password(
    engine: Engine, registry: HostileRegistry, tokens: TokenServer, wherry: Wherry, tmp_path: Path
) -> None:
    tokens.gives_identities = True
    tokens.private = {"team/app"}
    wherry("login", "-u", "ann", "--password-stdin", registry.host, stdin=b"secret")

    assert tokens.asked[0] == asked(account="ann", password="secret", is_offline=True)
    kept = json.loads((tmp_path / "docker" / "config.json").read_text())["auths"][registry.host]
    assert kept["identitytoken"] == "identity-of-ann"
    assert "secret" not in str(kept)
    tokens.users["ann"] = "another by now"
    tokens.asked.clear()

    pull(engine, registry)

    scope = "repository:team/app:pull"
    assert tokens.asked == [asked(method="POST", scopes=(scope,), account="ann")]


@pytest.fixture(scope="module")
def neighbour() -> Iterator[Dockerd]:
    """A Docker daemon that shares our network, and with it the registry."""
    with Dockerd("--iptables=false", "--bridge=none", own_network=False) as daemon:
        yield daemon


@pytest.mark.needs("dockerd", "docker")
def test_logins_and_refusals_are_worded_as_dockers(
    registry: HostileRegistry,
    tokens: TokenServer,
    wherry: Wherry,
    neighbour: Dockerd,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "theirs"))
    tokens.private = {"team/app"}
    login = ("login", "-u", "ann", "--password-stdin", registry.host)
    for words, stdin in (
        (("pull", f"{registry.host}/team/app"), None),
        (login, b"wrong"),
        (login, b"secret"),
        (("pull", "-q", f"{registry.host}/team/app"), None),
        (("pull", f"{registry.host}/team/other"), None),  # by now with a wrong password
        (("logout", registry.host), None),
        (("logout", registry.host), None),
    ):
        if "team/other" in words[-1]:
            tokens.users["ann"] = "changed"
        ours = wherry(*words, check=False, stdin=stdin)
        theirs = neighbour.docker(*words, check=False, stdin=stdin)
        assert (ours.stdout, ours.returncode) == (theirs.stdout, theirs.returncode), words
        said = ours.stderr.removeprefix("wherry: ").replace(str(tmp_path / "docker"), "FOLDER")
        said = said.partition("Hint: ")[0]
        expected = theirs.stderr.removeprefix("Error response from daemon: ")
        # Docker asks with HEAD first, which is of use where the image is here already.
        expected = expected.replace('Head "', 'Get "')
        assert said == expected.replace(str(tmp_path / "theirs"), "FOLDER"), words
