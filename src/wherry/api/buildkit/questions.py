"""Answers a builder's questions from its client's session, see `engine.builds.offers`.

builder ─ question ─> RUN/builds/<name>/ask     ─> Secrets, Auth of the session
step ───── agent ───> RUN/builds/<name>/agent-N ─> SSH of the session
"""

import asyncio
import json
import os
import secrets
import socket
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Self

from wherry.api.buildkit.grpc import CallFailed, Code
from wherry.api.buildkit.messages.common import BYTES, Bytes
from wherry.api.buildkit.messages.session import (
    AGENT_REQUEST,
    CREDENTIALS_REQUEST,
    CREDENTIALS_RESPONSE,
    SECRET_REQUEST,
    AgentRequest,
    CredentialsRequest,
    SecretRequest,
)
from wherry.api.buildkit.session import Session
from wherry.engine.builds.offers import AGENT, CREDENTIAL, FAILED, FOUND, MISSING, SECRET
from wherry.errors import InvalidArgument, WherryError
from wherry.linux.files import remove_tree
from wherry.shim.client import with_address

_SECRET = "/moby.buildkit.secrets.v1.Secrets/GetSecret"
_CREDENTIALS = "/moby.filesync.v1.Auth/Credentials"
_CHECK_AGENT = "/moby.sshforward.v1.SSH/CheckAgent"
_FORWARD = "/moby.sshforward.v1.SSH/ForwardAgent"
_LARGEST_QUESTION = 1 << 16
_LARGEST_SECRET = 500 << 10  # bytes, BuildKit's bound
_READ = 1 << 15


class Questions:
    """The sockets of one build, there as long as the context."""

    def __init__(self, session: Session, run: Path) -> None:
        self._session = session
        self._folder = run / "questions" / f"{os.getpid()}-{secrets.token_hex(8)}"
        self._servers: list[asyncio.Server] = []
        self._agents: dict[str, Path] = {}

    @property
    def path(self) -> str:
        return str(self._folder / "ask")

    async def __aenter__(self) -> Self:
        _sweep(self._folder.parent)
        self._folder.mkdir(mode=0o700, parents=True)
        await self._listen("ask", self._question)
        return self

    async def __aexit__(self, *_error: object) -> None:
        for server in self._servers:
            server.close()
        remove_tree(self._folder)
        with suppress(OSError):  # others are there
            self._folder.parent.rmdir()

    async def _listen(
        self,
        name: str,
        answer: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]],
    ) -> None:
        listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
        with_address(str(self._folder / name), listening.bind)
        self._servers.append(await asyncio.start_unix_server(answer, sock=listening))

    # ---- questions

    async def _question(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            writer.write(await self._answered(await reader.read(_LARGEST_QUESTION)))
            await writer.drain()
        except OSError:
            return  # the builder has ended
        finally:
            writer.close()

    async def _answered(self, question: bytes) -> bytes:
        what, name = json.loads(question)
        try:
            if what == SECRET:
                answer = await self._secret(name)
            elif what == CREDENTIAL:
                answer = await self._credential(name)
            else:
                assert what == AGENT
                answer = await self._agent(name)
        except CallFailed as error:
            if error.code == Code.NOT_FOUND:
                return MISSING
            return FAILED + error.message.encode()
        except WherryError as error:
            return FAILED + error.message.encode()
        return MISSING if answer is None else FOUND + answer

    async def _secret(self, name: str) -> bytes | None:
        if not self._session.answers(_SECRET):
            return None
        answer = await self._session.ask(_SECRET, SECRET_REQUEST.encode(SecretRequest(name)))
        data = BYTES.decode(answer).data
        if len(data) > _LARGEST_SECRET:
            raise InvalidArgument(f"secret {name} too big. max size 500KB")
        return data

    async def _credential(self, host: str) -> bytes | None:
        if not self._session.answers(_CREDENTIALS):
            return None
        request = CREDENTIALS_REQUEST.encode(CredentialsRequest(host))
        found = CREDENTIALS_RESPONSE.decode(await self._session.ask(_CREDENTIALS, request))
        if not found.secret:
            return None
        if not found.username:
            return json.dumps({"identity_token": found.secret}).encode()
        return json.dumps({"username": found.username, "password": found.secret}).encode()

    # ---- agents

    async def _agent(self, name: str) -> bytes | None:
        """The path of a socket that leads to the client's agent."""
        if not self._session.answers(_CHECK_AGENT):
            return None
        if name not in self._agents:
            try:
                await self._session.ask(_CHECK_AGENT, AGENT_REQUEST.encode(AgentRequest(name)))
            except CallFailed as error:
                if error.code == Code.UNAVAILABLE:
                    raise
                return None  # BuildKit's client has no code for an agent that it does not know
            place = f"agent-{len(self._agents)}"

            async def forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
                await self._forward(name, reader, writer)

            await self._listen(place, forward)
            self._agents[name] = self._folder / place
        return str(self._agents[name]).encode()

    async def _forward(
        self, name: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        try:
            outgoing = await self._session.call(_FORWARD, [("buildkit.ssh.id", name)])
        except WherryError:
            writer.close()
            return

        async def inwards() -> None:
            while data := await reader.read(_READ):
                await outgoing.send(BYTES.encode(Bytes(data)))
            await outgoing.end()

        sending = asyncio.create_task(inwards())
        try:
            async for batch in outgoing.batches():
                for message in batch:
                    writer.write(BYTES.decode(message).data)
                await writer.drain()
        except (OSError, WherryError):
            return  # to the step it looks as if the agent had ended
        finally:
            sending.cancel()
            writer.close()
            await outgoing.close()


def _sweep(parent: Path) -> None:
    """Remove what services that were killed have left."""
    with suppress(FileNotFoundError):
        for entry in parent.iterdir():
            pid = entry.name.partition("-")[0]
            if not Path("/proc", pid).is_dir():
                remove_tree(entry)
