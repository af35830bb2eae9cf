"""A client of BuildKit's protocol: what buildx does for a build, without its looks.

async with BuildKitClient(path) as client:
    client.folders["context"] = ...
    outcome = await client.build({"filename": "Dockerfile"})
"""

import asyncio
import os
import secrets
import shutil
import socket
import tempfile
from pathlib import Path
from typing import Self

from wherry.api.buildkit.grpc import Method, Methods, Refused, Rpc, ask, call, messages
from wherry.api.buildkit.http2 import Connection
from wherry.api.buildkit.messages import control, gateway
from wherry.api.buildkit.messages.common import BYTES, EMPTY, Bytes, Empty
from wherry.api.buildkit.messages.progress import STATUS_RESPONSE, StatusResponse
from wherry.api.buildkit.messages.session import (
    CREDENTIALS_REQUEST,
    CREDENTIALS_RESPONSE,
    PACKET,
    SECRET_REQUEST,
    CredentialsResponse,
    PacketType,
)
from wherry.api.buildkit.receiver import Receiver
from wherry.api.buildkit.sender import Sender
from wherry.linux.openat import directory_descriptor
from wherry.values import dataclass, field

_CONTROL = "/moby.buildkit.v1.Control/"
_GATEWAY = "/moby.buildkit.v1.frontend.LLBBridge/"
_NOT_FOUND = 5


@dataclass(slots=True)
class Outcome:
    """What a build came to, and all that was told of it."""

    response: dict[str, str] = field(default_factory=dict)
    messages: list[StatusResponse] = field(default_factory=list)
    facts: dict[str, bytes] = field(default_factory=dict)
    """The answer to a question about the Dockerfile."""

    @property
    def names(self) -> list[str]:
        """The vertexes that have ended, in their order."""
        return [each.name for m in self.messages for each in m.vertexes if each.completed]

    @property
    def cached(self) -> list[str]:
        return [each.name for m in self.messages for each in m.vertexes if each.cached]

    @property
    def warnings(self) -> list[str]:
        return [each.short.decode() for m in self.messages for each in m.warnings]

    @property
    def log(self) -> bytes:
        return b"".join(each.message for m in self.messages for each in m.logs)


class BuildKitClient:
    """One session. What it offers is in its attributes, what was done with that as well."""

    def __init__(self, path: Path, *, shared_key: str = "key") -> None:
        self._path = path
        self.id = secrets.token_hex(12)
        self.shared_key = shared_key
        self.folders: dict[str, Path] = {}
        self.secrets: dict[str, bytes] = {}
        self.credentials: dict[str, tuple[str, str]] = {}
        self.output: Path | None = None
        self.archive = b""
        self.sent: list[str] = []  # names of files whose contents were asked for
        self.metadata: list[dict[str, str]] = []  # of the transfers
        self.calls = Connection(client=True)
        methods: dict[str, Method] = {
            "/moby.filesync.v1.FileSync/DiffCopy": self._send,
            "/moby.filesync.v1.FileSend/DiffCopy": self._receive,
            "/moby.filesync.v1.Auth/Credentials": self._credentials,
            "/moby.buildkit.secrets.v1.Secrets/GetSecret": self._secret,
            "/moby.sshforward.v1.SSH/CheckAgent": self._check_agent,
            "/moby.sshforward.v1.SSH/ForwardAgent": self._echo,
        }
        self.methods = methods
        self._session = Connection(client=False, answer=Methods(methods).answer)
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Self:
        headers = [
            ("X-Docker-Expose-Session-Uuid", self.id),
            ("X-Docker-Expose-Session-Sharedkey", self.shared_key),
            *(("X-Docker-Expose-Session-Grpc-Method", path) for path in self.methods),
        ]
        for connection, path, more in (
            (self.calls, "/grpc", []),
            (self._session, "/session", headers),
        ):
            descriptor, early = await asyncio.to_thread(upgraded, self._path, path, more)
            self._tasks.append(asyncio.create_task(connection.run(descriptor, early)))
        return self

    async def __aexit__(self, *_error: object) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def build(
        self,
        attrs: dict[str, str],
        *exporters: control.Exporter,
        direct: bool = False,
        **request: object,
    ) -> Outcome:
        """A build driven by the gateway, or `direct`, without it."""
        ref = secrets.token_hex(12)
        outcome = Outcome()
        frontend = "dockerfile.v0" if direct else ""
        solve = control.SolveRequest(
            ref=ref,
            session=self.id,
            frontend=frontend,
            attrs=attrs if direct else {},
            exporters=exporters,
            **request,  # type: ignore[arg-type]
        )
        following = asyncio.create_task(self._follow(ref, outcome))
        driving = None if direct else asyncio.create_task(self._drive(ref, attrs, outcome))
        try:
            data = await ask(self.calls, f"{_CONTROL}Solve", control.SOLVE_REQUEST.encode(solve))
            outcome.response = dict(control.SOLVE_RESPONSE.decode(data).exporter_response)
            await following
        finally:
            following.cancel()
            if driving is not None:
                await asyncio.gather(driving, return_exceptions=True)
        return outcome

    async def _drive(self, ref: str, attrs: dict[str, str], outcome: Outcome) -> None:
        metadata = [("buildkit-controlapi-buildid", ref)]
        request = gateway.GatewaySolveRequest(frontend="dockerfile.v0", attrs=attrs)
        encoded = gateway.GATEWAY_SOLVE_REQUEST.encode(request)
        await ask(self.calls, f"{_GATEWAY}Ping", b"", metadata)
        data = await ask(self.calls, f"{_GATEWAY}Solve", encoded, metadata)
        result = gateway.GATEWAY_SOLVE_RESPONSE.decode(data).result
        outcome.facts = {} if result is None else result.metadata
        encoded = gateway.RETURN_REQUEST.encode(gateway.ReturnRequest(result=result))
        await ask(self.calls, f"{_GATEWAY}Return", encoded, metadata)

    async def _follow(self, ref: str, outcome: Outcome) -> None:
        outgoing = await call(self.calls, f"{_CONTROL}Status")
        await outgoing.send(control.STATUS_REQUEST.encode(control.StatusRequest(ref)))
        await outgoing.end()
        async for batch in outgoing.batches():
            outcome.messages += [STATUS_RESPONSE.decode(data) for data in batch]

    # ---- what the session answers

    async def _send(self, rpc: Rpc) -> None:
        self.metadata.append(dict(rpc.metadata))
        folder = self.folders[rpc.metadata["dir-name"]]
        wanted = [value for name, value in rpc.stream.headers if name == "followpaths"]
        with tempfile.TemporaryDirectory() as copies:
            for name in wanted:
                if (folder / name).is_file():
                    shutil.copy2(folder / name, copies)
            with directory_descriptor(copies if wanted else folder) as root:
                await self._send_from(root, rpc)

    async def _send_from(self, root: int, rpc: Rpc) -> None:
        sender = Sender(root)
        paths = []
        for data in sender.entries():
            stat = PACKET.decode(data).stat
            paths.append("" if stat is None else stat.path)
            await rpc.send(data)
        async for data in messages(rpc.stream):
            packet = PACKET.decode(data)
            if packet.type == PacketType.REQUEST:
                self.sent.append(paths[packet.id])
                for piece in sender.content(packet.id):
                    await rpc.send(piece)
            elif packet.type == PacketType.END:
                await rpc.send(data)
                return

    async def _receive(self, rpc: Rpc) -> None:
        if self.output is None:
            async for data in messages(rpc.stream):
                self.archive += BYTES.decode(data).data
            return
        with directory_descriptor(self.output) as root:
            receiver = Receiver(root)
            async for data in messages(rpc.stream):
                for answer in receiver.take([data]):
                    await rpc.send(answer)
            receiver.close()

    async def _secret(self, rpc: Rpc) -> None:
        request = await rpc.only(SECRET_REQUEST)
        if request.id not in self.secrets:
            raise Refused(_NOT_FOUND, f"secret {request.id}: not found")
        await rpc.send(BYTES.encode(Bytes(self.secrets[request.id])))

    async def _credentials(self, rpc: Rpc) -> None:
        request = await rpc.only(CREDENTIALS_REQUEST)
        username, secret = self.credentials.get(request.host, ("", ""))
        response = CredentialsResponse(username=username, secret=secret)
        await rpc.send(CREDENTIALS_RESPONSE.encode(response))

    async def _check_agent(self, rpc: Rpc) -> None:
        await rpc.send(EMPTY.encode(Empty()))

    async def _echo(self, rpc: Rpc) -> None:
        async for data in messages(rpc.stream):
            await rpc.send(data)


def upgraded(path: Path, target: str, headers: list[tuple[str, str]]) -> tuple[int, bytes]:
    """A connection that has become HTTP/2, and what of that has come already."""
    lines = [f"POST {target} HTTP/1.1", "Host: docker", "Connection: Upgrade", "Upgrade: h2c"]
    lines += [f"{name}: {value}" for name, value in headers]
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(str(path))
        connection.sendall("".join(f"{line}\r\n" for line in [*lines, ""]).encode())
        answer = b""
        while b"\r\n\r\n" not in answer:
            data = connection.recv(1 << 16)
            assert data, answer
            answer += data
        head, _, early = answer.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 101 "), head
        return os.dup(connection.fileno()), early
