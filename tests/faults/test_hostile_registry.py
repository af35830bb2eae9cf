"""Registries that lie, break off, or never end: a clear error, soon, and nothing left."""

import gzip
import io
import os
import signal
import tarfile
import threading
import time
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from wherry.engine.engine import Engine
from wherry.engine.images.pull import PulledImage, pull_image
from wherry.errors import WherryError
from wherry.registry.errors import NotTLS
from wherry.registry.patience import Cancellation, Cancelled, Patience
from wherry.registry.transport import Request, Transport
from wherry.store.blobs import list_blobs
from wherry.store.garbage import collect
from wherry.store.images import list_images
from wherry.testing.command import Wherry
from wherry.testing.registries import DockerRegistry, Exchange, HostileRegistry

HASTY = Patience(
    connect=2,
    stall=0.5,
    window=0.6,
    document=2,
    attempts=3,
    first_delay=0.01,
    longest_delay=0.02,
)

pytestmark = pytest.mark.needs("root", "overlay")


@pytest.fixture
def hostile(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[HostileRegistry]:
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "docker"))
    with HostileRegistry() as registry:
        yield registry


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    return Engine(tmp_path / "root", tmp_path / "run")


def layer(name: str, size: int) -> tuple[bytes, bytes]:
    """A layer's gzip and its tar; random, so that the bytes on the wire are about as many."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        entry = tarfile.TarInfo(name)
        entry.size = size
        archive.addfile(entry, io.BytesIO(os.urandom(size)))
    return gzip.compress(buffer.getvalue(), 1), buffer.getvalue()


def pull(engine: Engine, registry: HostileRegistry) -> list[PulledImage]:
    transport = Transport(patience=HASTY, environ={})
    return pull_image(engine, f"{registry.host}/team/app", transport=transport)


def assert_nothing_is_left(engine: Engine) -> None:
    assert list(list_images(engine.store.database.connection)) == []
    collect(engine.store)
    assert list(list_blobs(engine.store)) == []
    assert [path for path in (engine.store.root / "layers").iterdir() if path.name != "l"] == []
    assert list((engine.store.root / "tmp").glob("[0-9]*")) == []


def after(count: int, then: Callable[[Exchange], None]) -> Callable[[Exchange], None]:
    """Send the first `count` bytes of what is asked for, then do something else."""

    def behave(exchange: Exchange) -> None:
        _, body = exchange.registry.content[exchange.path.rpartition("/")[2]]
        exchange.send_response(200)
        exchange.send_header("Content-Length", str(len(body)))
        exchange.end_headers()
        exchange.wfile.write(body[:count])
        exchange.wfile.flush()
        then(exchange)

    return behave


def wait_for_the_client(exchange: Exchange) -> None:
    """Send nothing more, for as long as the client listens."""
    exchange.connection.settimeout(10)
    exchange.rfile.read(1)
    exchange.close_connection = True


def test_a_whole_image_is_pulled(engine: Engine, hostile: HostileRegistry) -> None:
    digest = hostile.add_image(dict([layer("a", 100_000), layer("b", 1000), layer("c", 10)]))

    (image,) = pull(engine, hostile)

    assert str(image.digest) == digest
    assert len(list(list_blobs(engine.store))) == 3


BLOB = "/blobs/"
MANIFEST = "/manifests/"


def wrong_bytes(exchange: Exchange) -> None:
    _, body = exchange.registry.content[exchange.path.rpartition("/")[2]]
    exchange.answer(200, body[:-1] + bytes([body[-1] ^ 1]))


def longer(exchange: Exchange) -> None:
    _, body = exchange.registry.content[exchange.path.rpartition("/")[2]]
    exchange.answer(200, body + b"more")


def shorter(exchange: Exchange) -> None:
    _, body = exchange.registry.content[exchange.path.rpartition("/")[2]]
    exchange.answer(200, body[:-4])


def endless_redirect(exchange: Exchange) -> None:
    exchange.answer(302, Location=exchange.path + "x")


def file_redirect(exchange: Exchange) -> None:
    exchange.answer(302, Location="file:///etc/passwd")


def always_401(exchange: Exchange) -> None:
    host = exchange.registry.host
    exchange.error(
        401,
        "UNAUTHORIZED",
        "authentication required",
        WWW_Authenticate=f'Bearer realm="http://{host}/token",service="s",scope="x"',
    )


def huge(exchange: Exchange) -> None:
    exchange.send_response(200)
    exchange.send_header("Transfer-Encoding", "chunked")
    exchange.end_headers()
    piece = b"10000\r\n" + b" " * 0x10000 + b"\r\n"
    for _ in range(2000):
        exchange.wfile.write(piece)


def trickle(exchange: Exchange) -> None:
    """A byte now and then, as if the line were alive."""
    _, body = exchange.registry.content[exchange.path.rpartition("/")[2]]
    exchange.send_response(200)
    exchange.send_header("Content-Length", str(len(body)))
    exchange.end_headers()
    exchange.connection.settimeout(0.1)
    for number in range(len(body)):
        exchange.wfile.write(body[number : number + 1])
        with suppress(TimeoutError):  # a pause, unless the client goes
            exchange.connection.recv(1)


def a_page(exchange: Exchange) -> None:
    exchange.answer(200, b"<html>welcome</html>", Content_Type="text/html")


def busy(exchange: Exchange) -> None:
    exchange.error(429, "TOOMANYREQUESTS", "slow down", Retry_After="0")


def broken(exchange: Exchange) -> None:
    exchange.answer(503, b"\x1b[31mout of order")


@pytest.mark.parametrize(
    ("part", "behaviour", "words"),
    [
        (BLOB, wrong_bytes, "verification failed for digest"),
        (BLOB, longer, "the registry sends more"),
        (BLOB, shorter, "the registry sends only"),
        (BLOB, endless_redirect, "stopped after 10 redirects"),
        (BLOB, file_redirect, "redirect to an invalid address"),
        (BLOB, always_401, "authentication required"),
        (BLOB, Exchange.reset, "reset by peer"),
        (BLOB, after(10, Exchange.reset), "reset by peer"),
        (BLOB, after(10, wait_for_the_client), "timeout"),
        (BLOB, wait_for_the_client, "timeout"),
        (BLOB, trickle, "the transfer is too slow: .* bytes in"),
        (MANIFEST, trickle, "deadline exceeded|too slow"),
        (BLOB, busy, "toomanyrequests: slow down"),
        (BLOB, broken, "received unexpected HTTP status: 503 Service Unavailable"),
        (MANIFEST, wrong_bytes, "is not JSON"),
        (MANIFEST, huge, "larger than 4194304 bytes"),
        (MANIFEST, a_page, "is not JSON"),
        (MANIFEST, always_401, "authentication required"),
        (MANIFEST, Exchange.reset, "reset by peer"),
        (MANIFEST, wait_for_the_client, "timeout"),
        ("/v2/", Exchange.reset, "reset by peer"),
        ("/v2/", broken, "unexpected HTTP status: 503"),
        ("/v2/", huge, "larger than 4194304 bytes"),
    ],
)
def test_a_registry_that_misbehaves_gives_an_error_and_leaves_nothing(
    engine: Engine,
    hostile: HostileRegistry,
    part: str,
    behaviour: Callable[[Exchange], None],
    words: str,
) -> None:
    hostile.add_image(dict([layer("a", 3000)]))
    hostile.behaviours = {"/token": lambda exchange: exchange.answer(200, b'{"token": "t"}')}
    hostile.behaviours[part] = behaviour
    tracemalloc.start()
    started = time.monotonic()

    with pytest.raises(WherryError, match=words):
        pull(engine, hostile)

    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert time.monotonic() - started < 15
    assert peak < 40 << 20
    assert len(hostile.seen) < 60
    assert_nothing_is_left(engine)


def test_a_broken_line_is_taken_up_where_it_broke(engine: Engine, hostile: HostileRegistry) -> None:
    packed, tar = layer("a", 400_000)
    hostile.add_image({packed: tar})
    blob = f"/blobs/{hostile.add(packed)}"
    breaks = iter((100_000, 50_000, 7))

    def behave(exchange: Exchange) -> None:
        count = next(breaks, None)
        if count is None or ("Range" not in exchange.headers and count != 100_000):
            exchange.serve()
            return
        start = int(exchange.headers.get("Range", "bytes=0-")[6:-1])
        body = packed[start:]
        exchange.send_response(206 if start else 200)
        if start:
            span = f"bytes {start}-{len(packed) - 1}/{len(packed)}"
            exchange.send_header("Content-Range", span)
        exchange.send_header("Content-Length", str(len(body)))
        exchange.end_headers()
        exchange.wfile.write(body[:count])
        exchange.wfile.flush()
        exchange.close_connection = True

    hostile.behaviours[blob] = behave

    pull(engine, hostile)

    ranges = [headers.get("Range") for _, path, headers in hostile.seen if blob in path]
    assert ranges == [None, "bytes=100000-", "bytes=150000-", "bytes=150007-"]


def test_what_came_before_a_failure_is_not_fetched_again(
    engine: Engine, hostile: HostileRegistry
) -> None:
    packed, tar = layer("a", 400_000)
    hostile.add_image({packed: tar})
    blob = f"/blobs/{hostile.add(packed)}"
    hostile.behaviours[blob] = after(200_000, wait_for_the_client)
    with pytest.raises(WherryError):
        pull(engine, hostile)
    hostile.behaviours.clear()
    hostile.seen.clear()

    pull(engine, hostile)

    (start,) = [headers.get("Range") for _, path, headers in hostile.seen if blob in path]
    assert start is not None
    assert int(start[6:-1]) >= 200_000


def test_wrong_bytes_are_not_what_the_next_pull_goes_on_from(
    engine: Engine, hostile: HostileRegistry
) -> None:
    packed, tar = layer("a", 400_000)
    hostile.add_image({packed: tar})
    blob = f"/blobs/{hostile.add(packed)}"
    hostile.behaviours[blob] = lambda exchange: exchange.answer(200, b"\x1f\x8b\x08" + b"x" * 99)
    with pytest.raises(WherryError):
        pull(engine, hostile)
    hostile.behaviours.clear()

    assert len(pull(engine, hostile)) == 1


def test_a_part_that_was_not_asked_for_is_refused(engine: Engine, hostile: HostileRegistry) -> None:
    packed, tar = layer("a", 400_000)
    hostile.add_image({packed: tar})

    def behave(exchange: Exchange) -> None:
        if "Range" not in exchange.headers:
            after(1000, Exchange.reset)(exchange)
        else:
            exchange.answer(206, packed[5:], Content_Range=f"bytes 5-{len(packed) - 1}/*")

    hostile.behaviours[f"/blobs/{hostile.add(packed)}"] = behave

    with pytest.raises(WherryError, match="another part than was asked for"):
        pull(engine, hostile)


def test_credentials_do_not_follow_a_redirect_to_another_host(
    engine: Engine, hostile: HostileRegistry
) -> None:
    packed, tar = layer("a", 1000)
    hostile.add_image({packed: tar})
    hostile.behaviours["/token"] = lambda exchange: exchange.answer(200, b'{"token": "secret"}')

    with HostileRegistry() as other:
        other.content = hostile.content

        def behave(exchange: Exchange) -> None:
            if "Authorization" not in exchange.headers:
                always_401(exchange)
            elif BLOB in exchange.path:
                exchange.answer(307, Location=f"http://{other.host}{exchange.path}")
            else:
                exchange.serve()

        hostile.behaviours["/v2/"] = behave

        assert len(pull(engine, hostile)) == 1

        assert other.seen
        assert not [headers for _, _, headers in other.seen if "Authorization" in headers]
        assert [headers for _, _, headers in hostile.seen if "Authorization" in headers]


def test_a_realm_may_not_be_a_file(engine: Engine, hostile: HostileRegistry) -> None:
    hostile.behaviours["/v2/"] = lambda exchange: exchange.answer(
        401, WWW_Authenticate='Bearer realm="file:///etc/passwd"'
    )

    with pytest.raises(WherryError, match="no valid realm"):
        pull(engine, hostile)


def test_a_pull_can_be_called_off_while_it_waits(engine: Engine, hostile: HostileRegistry) -> None:
    cancellation = Cancellation()
    reached = threading.Event()

    def wait(exchange: Exchange) -> None:
        reached.set()
        wait_for_the_client(exchange)

    packed, tar = layer("a", 100_000)
    hostile.add_image({packed: tar})
    hostile.behaviours[hostile.add(packed)] = after(100, wait)

    def call_off() -> None:
        reached.wait(10)
        cancellation.cancel()

    threading.Thread(target=call_off).start()
    transport = Transport(patience=Patience(), cancellation=cancellation, environ={})

    with pytest.raises(Cancelled):
        pull_image(engine, f"{hostile.host}/team/app", transport=transport)

    assert_nothing_is_left(engine)


def test_addresses_of_foreign_layers_are_never_asked(
    engine: Engine, hostile: HostileRegistry
) -> None:
    packed, tar = layer("a", 1000)
    hostile.add_image({packed: tar})
    media_type, manifest = hostile.content["latest"]
    with HostileRegistry() as other:
        other.add(packed)
        text = manifest.decode().replace(
            "application/vnd.oci.image.layer.v1.tar+gzip",
            "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip",
        )
        text = text.replace('"layers": [{', f'"layers": [{{"urls": ["http://{other.host}/x"],')
        hostile.content["latest"] = (media_type, text.encode())
        del hostile.content[hostile.add(packed)]

        with pytest.raises(WherryError, match="blob unknown"):
            pull(engine, hostile)

        assert other.seen == []


def test_a_mirror_that_fails_is_passed_over(
    engine: Engine, hostile: HostileRegistry, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    packed, tar = layer("a", 1000)
    hostile.add_image({packed: tar})
    config = tmp_path / "config" / "wherry" / "config.toml"
    config.parent.mkdir(parents=True)
    with HostileRegistry() as empty, HostileRegistry() as flaky:
        flaky.content = hostile.content
        flaky.behaviours[BLOB + hostile.add(packed)] = after(100, Exchange.reset)
        mirrors = [f"http://{mirror.host}" for mirror in (empty, flaky)]
        config.write_text(f'[registry."{hostile.host}"]\nmirrors = {mirrors}')
        transport = Transport(patience=HASTY, environ={})
        monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))

        assert len(pull_image(engine, f"{hostile.host}/team/app", transport=transport)) == 1

        assert [path for _, path, _ in empty.seen] == ["/v2/", "/v2/team/app/manifests/latest"]
        assert [path.rpartition("/")[0] for _, path, _ in hostile.seen] == [
            "/v2",
            "/v2/team/app/blobs",
        ]


def test_a_mirror_has_images_of_a_registry_that_is_not_there(
    engine: Engine, hostile: HostileRegistry, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    packed, tar = layer("a", 1000)
    hostile.add_image({packed: tar})
    config = tmp_path / "config" / "wherry" / "config.toml"
    config.parent.mkdir(parents=True)
    config.write_text(f'[registry."127.0.0.1:1"]\nmirrors = ["http://{hostile.host}"]')
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    transport = Transport(patience=HASTY, environ={})

    assert len(pull_image(engine, "127.0.0.1:1/team/app", transport=transport)) == 1


@pytest.mark.needs("registry")
def test_certificates_and_plain_http_are_told_in_gos_words(hostile: HostileRegistry) -> None:
    transport = Transport(patience=HASTY, environ={}, folders=())
    with (
        DockerRegistry(tls=True) as registry,
        pytest.raises(NotTLS, match="x509: certificate signed by unknown authority"),
    ):
        transport.send(Request(method="GET", url=f"https://{registry.host}/v2/"))
    with pytest.raises(NotTLS, match="server gave HTTP response to HTTPS client"):
        transport.send(Request(method="GET", url=f"https://{hostile.host}/v2/"))
    transport.close()


def test_an_interrupt_ends_a_pull_that_waits(hostile: HostileRegistry, tmp_path: Path) -> None:
    packed, tar = layer("a", 100_000)
    hostile.add_image({packed: tar})
    reached = threading.Event()

    def wait(exchange: Exchange) -> None:
        reached.set()
        wait_for_the_client(exchange)

    hostile.behaviours[hostile.add(packed)] = after(100, wait)
    wherry = Wherry(tmp_path / "root", tmp_path / "run")
    process = wherry.start("pull", f"{hostile.host}/team/app")
    assert reached.wait(20)
    started = time.monotonic()

    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=20)

    assert process.returncode == 130
    assert errors == b""
    assert time.monotonic() - started < 5
