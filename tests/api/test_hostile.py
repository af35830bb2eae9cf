"""Clients that mean ill, or know no better: no request, too much of one, or a web page's."""

import asyncio
import socket
import subprocess
from pathlib import Path

import pytest
from aiohttp import web

from tests.api.wire import Wire, ask
from wherry.api.connections import Connection
from wherry.api.errors import answered
from wherry.errors import NotFound
from wherry.testing.command import Wherry
from wherry.testing.service import RunningService

PING = "GET /_ping HTTP/1.1\r\nHost: x\r\n"
CREATE = "POST /containers/create HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"


@pytest.fixture
def path(service: RunningService) -> Path:
    return service.socket


@pytest.mark.parametrize(
    "request_text",
    [
        # What two readers would not agree on where it ends.
        CREATE + "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        CREATE + "Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
        CREATE + "Content-Length: +2\r\n\r\n{}",
        CREATE + "Content-Length : 2\r\n\r\n{}",
        CREATE + "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
        PING + " folded: line\r\n\r\n",
        PING + "X: a\0b\r\n\r\n",
        PING + "X: " + "a" * (1 << 17) + "\r\n\r\n",
        PING + "".join(f"X-{number}: a\r\n" for number in range(1000)) + "\r\n",
        "GET /" + "a" * (1 << 17) + " HTTP/1.1\r\nHost: x\r\n\r\n",
        "nonsense\r\n\r\n",
        "\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03\r\n\r\n",  # TLS, where there is none
    ],
)
def test_what_is_no_request_is_refused_and_its_connection_closed(
    path: Path, service: RunningService, request_text: str
) -> None:
    with Wire(path) as wire:
        wire.socket.sendall(request_text.encode("latin-1") + PING.encode() + b"\r\n")
        assert wire.head()[0] == 400
        assert b"HTTP/1.1" not in wire.to_end()
    assert b"Traceback" not in service.log.read_bytes()


def test_a_body_of_no_known_size_is_read(path: Path) -> None:
    with Wire(path) as wire:
        chunks = '5\r\n{"Ima\r\n4\r\nge":\r\n3\r\n""}\r\n0\r\n\r\n'
        wire.socket.sendall(f"{CREATE}Transfer-Encoding: chunked\r\n\r\n{chunks}".encode())
        assert wire.answer().message == "invalid reference format"


def test_a_query_may_have_many_fields_but_not_any_number(path: Path) -> None:
    few, many = ("&".join(["names=busybox"] * number) for number in (300, 4500))
    assert ask(path, "HEAD", f"/_ping?{few}").status == 200
    answer = ask(path, "GET", f"/_ping?{many}")
    assert (answer.status, answer.message) == (400, "the query has more than 4096 fields")


@pytest.mark.parametrize("target", ["/events", "/containers/json", "/info"])
def test_only_what_has_a_head_answers_to_one(path: Path, target: str) -> None:
    assert ask(path, "HEAD", target).status == 404


def test_a_client_that_says_nothing_is_let_go() -> None:
    class Impatient(Connection):
        __slots__ = ()
        patience = 0.05

    async def never(_request: web.BaseRequest) -> web.StreamResponse:
        raise AssertionError("there is no request")

    async def day() -> bytes:
        manager = web.Server(never)
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: Impatient(manager, loop=loop), "127.0.0.1", 0)
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        writer.write(b"GET /_ping HTTP/1.1\r\nHos")
        rest = await reader.read()
        writer.close()
        server.close()
        return rest

    assert asyncio.run(day()) == b""


def test_a_page_of_another_site_is_no_client_at_a_bare_port(wherry: Wherry, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        # The port is passed on as systemd does it, so that nobody else takes it in between.
        script = 'exec 3<&0; LISTEN_FDS=1 LISTEN_PID=$$ exec "$@"'
        words = [
            "sh",
            "-c",
            script,
            "sh",
            *wherry.command("serve", "-H", "fd://", "--insecure-tcp"),
        ]
        process = subprocess.Popen(
            words,
            env=wherry.environment,
            stdin=listening.fileno(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
    with process:
        assert process.stdout is not None
        assert b"listening" in process.stdout.readline()
        own = f"127.0.0.1:{port}"
        for origin, expected in (
            (f"http://{own}", 200),
            ("http://evil.example", 403),
            ("null", 403),
            ("http://[", 403),
        ):
            with socket.create_connection(("127.0.0.1", port), 20) as client:
                head = f"GET /_ping HTTP/1.1\r\nHost: {own}\r\nOrigin: {origin}\r\n\r\n"
                client.sendall(head.encode())
                assert client.recv(12) == f"HTTP/1.1 {expected}".encode()
        process.terminate()


@pytest.mark.parametrize("error", [RuntimeError("a fault"), OSError(5, "x"), NotFound("gone")])
def test_an_answer_that_has_begun_ends_where_it_fails(error: Exception) -> None:
    async def fail() -> web.StreamResponse:
        raise error

    async def both() -> web.StreamResponse:
        with pytest.raises(asyncio.CancelledError):  # which closes the connection
            await answered(fail, lambda: True)
        return await answered(fail, lambda: False)

    assert asyncio.run(both()).status == (404 if isinstance(error, NotFound) else 500)
