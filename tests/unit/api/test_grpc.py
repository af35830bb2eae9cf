"""gRPC between two ends of ours: any size in both directions, failures, and peers that go away."""

import asyncio
import os
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from wherry.api.buildkit.grpc import CallFailed, Method, Methods, Refused, Rpc, ask, call, messages
from wherry.api.buildkit.http2 import Connection, ConnectionEnded, Stream
from wherry.api.buildkit.messages.common import Detail
from wherry.api.buildkit.questions import Questions
from wherry.api.buildkit.session import Session
from wherry.engine.builds.offers import offers_at
from wherry.errors import Unavailable, Unsupported
from wherry.registry.credentials import Credential


@asynccontextmanager
async def connected(methods: dict[str, Method]) -> AsyncIterator[Connection]:
    """A client's end; a server with these methods is at the other."""
    ours, theirs = socket.socketpair()
    client = Connection(client=True)
    server = Connection(client=False, answer=Methods(methods).answer)
    running = [
        asyncio.create_task(end.run(sock.detach(), b""))
        for end, sock in ((client, ours), (server, theirs))
    ]
    try:
        yield client
    finally:
        client.close()
        await asyncio.gather(*running)


async def echo(rpc: Rpc) -> None:
    async for message in messages(rpc.stream):
        await rpc.send(message)


async def refuse(_rpc: Rpc) -> None:
    raise Refused(5, "not there: ü%\n", (Detail(type_url="x", value=b"y"),))


async def fail(_rpc: Rpc) -> None:
    raise ZeroDivisionError


def test_messages_of_any_size_go_both_ways_side_by_side() -> None:
    async def run() -> None:
        async with connected({"/a/Echo": echo}) as client:
            sizes = [0, 1, 5, 70_000, 5_000_000, 3]
            sent = [os.urandom(size) for size in sizes]

            async def one() -> list[bytes]:
                outgoing = await call(client, "/a/Echo")

                async def send() -> None:
                    for message in sent:
                        await outgoing.send(message)
                    await outgoing.end()

                sending = asyncio.create_task(send())
                found = [message async for batch in outgoing.batches() for message in batch]
                await sending
                await outgoing.close()
                return found

            assert await asyncio.gather(*[one() for _ in range(3)]) == [sent] * 3

    asyncio.run(run())


def test_a_refusal_comes_with_its_words_and_others_go_on(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def run() -> None:
        methods: dict[str, Method] = {"/a/Echo": echo, "/a/Refuse": refuse, "/a/Fail": fail}
        async with connected(methods) as client:
            for path, code, said in (
                ("/a/Refuse", 5, "not there: ü%\n"),
                ("/a/Fail", 13, "internal error; the service's log has it"),
                ("/a/Nothing", 12, "unknown method Nothing for service a"),
            ):
                with pytest.raises(CallFailed) as caught:
                    await ask(client, path, b"")
                assert (caught.value.code, caught.value.message) == (code, said)
            assert await ask(client, "/a/Echo", b"x") == b"x"

    asyncio.run(run())
    assert "ZeroDivisionError" in caplog.text


def test_a_peer_that_goes_away_ends_what_waits_for_it() -> None:
    async def wait(_rpc: Rpc) -> None:
        await asyncio.Event().wait()

    async def run() -> None:
        async with connected({"/a/Wait": wait}) as client:
            waiting = asyncio.create_task(ask(client, "/a/Wait", b""))
            await asyncio.sleep(0)
            client.close()
            with pytest.raises(CallFailed):
                await waiting
            with pytest.raises(CallFailed):
                await ask(client, "/a/Wait", b"")

    asyncio.run(run())


def test_what_is_no_http2_ends_the_connection() -> None:
    async def run() -> None:
        ours, theirs = socket.socketpair()
        server = Connection(client=False, answer=Methods({}).answer)
        with ours:
            ours.sendall(b"GET / HTTP/1.1\r\n\r\n" * 10)
            await server.run(theirs.detach(), b"")

    asyncio.run(run())


def test_messages_that_do_not_end_have_bounds() -> None:
    async def run() -> None:
        connection = Connection(client=False)
        streams = [Stream(connection, number, ()) for number in range(1, 9, 2)]
        reading = [asyncio.ensure_future(anext(messages(each))) for each in streams]
        for stream in streams:
            stream.received(b"\0" + (16 << 20).to_bytes(4, "big") + bytes((16 << 20) - 100), 0)
        await asyncio.sleep(0)
        streams.append(Stream(connection, 9, ()))
        streams[-1].received(b"\0\0\1\0\0" + bytes(500), 0)
        with pytest.raises(ConnectionEnded, match="begins more messages"):
            await anext(messages(streams[-1]))
        for each in reading:
            each.cancel()
        await asyncio.gather(*reading, return_exceptions=True)

    asyncio.run(run())


def test_an_answer_of_several_messages_is_none() -> None:
    async def talk(rpc: Rpc) -> None:
        while True:
            await rpc.send(b"x")

    async def run() -> None:
        async with connected({"/a/Talk": talk}) as client:
            with pytest.raises(Unsupported, match="several messages"):
                await ask(client, "/a/Talk", b"")

    asyncio.run(run())


def test_a_builders_questions_are_answered_from_the_session(tmp_path: Path) -> None:
    from wherry.testing.buildkit import BuildKitClient

    client = BuildKitClient(tmp_path)  # not connected: its methods are what is wanted
    client.secrets["s"] = b"value"
    client.credentials["registry.example"] = ("me", "word")
    client.credentials["registry-1.docker.io"] = ("", "token")

    def asked(path: str) -> None:
        offers = offers_at(path)
        secret = offers.secrets.get("s")
        assert secret is not None
        assert secret.read() == b"value"
        assert offers.secrets.get("t") is None
        assert offers.credentials.get("registry.example") == Credential(
            username="me", password="word"
        )
        assert offers.credentials.get("docker.io") == Credential(identity_token="token")
        assert offers.credentials.get("other.example") is None
        agent = offers.agents["default"]
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(str(agent))
            connection.sendall(b"identities?")
            assert connection.recv(100) == b"identities?"

    async def run() -> None:
        async with connected(client.methods) as connection:
            methods = frozenset(path.lower() for path in client.methods)
            session = Session("id", "", methods, connection)
            async with Questions(session, tmp_path) as questions:
                await asyncio.to_thread(asked, questions.path)
                connection.close()
                with pytest.raises(Unavailable):
                    await asyncio.to_thread(offers_at(questions.path).secrets.get, "s")
        assert not (tmp_path / "builds").exists()

    asyncio.run(run())
