"""A build's progress, as Control.Status streams it.

Each event becomes a vertex's beginning or end, a piece of log, or how far a part of it is. Clients
know a vertex by its digest, which here is that of the build and of the name that is unique in it.

    builder ─> Progress.add ─> a queue for each client that follows
"""

import asyncio
import time
from base64 import b64decode
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from hashlib import sha256
from typing import Any

from wherry.api.buildkit.messages.common import (
    Position,
    Range,
    SourceInfo,
    Timestamp,
    timestamp,
)
from wherry.api.buildkit.messages.progress import (
    StatusResponse,
    Vertex,
    VertexLog,
    VertexStatus,
    VertexWarning,
)
from wherry.build.progress import Event, Kind
from wherry.errors import WherryError
from wherry.values import dataclass, replace

_MOST_KEPT = 20_000  # messages, for who begins to follow later
_MOST_KEPT_LOG = 1 << 24  # bytes of what steps wrote, of these
_MOST_WAITING = 1_000  # messages; a slow client then holds up its build, and no other client does
_DONE = " done\n"


@dataclass(frozen=True, slots=True)
class Pull:
    """How far the pull of an image is."""

    vertex: str
    layer: str
    status: str
    current: int
    total: int


@dataclass(frozen=True, slots=True)
class Warned:
    """What the checks find in the Dockerfile, which was loaded by `vertex`."""

    vertex: str
    documents: "list[Mapping[str, Any]]"
    """As BuildKit's SolveStatus has them."""


Happening = Event | Pull | Warned


class Progress:
    """That of one build. To be used in the event loop alone."""

    def __init__(self, ref: str) -> None:
        self._ref = ref
        self._vertexes: dict[str, Vertex] = {}
        self._kept: list[StatusResponse] = []
        self._kept_log = 0
        self._followers: list[asyncio.Queue[StatusResponse | None]] = []
        self._ended = False

    def digest(self, vertex: str) -> str:
        text = f"{self._ref}\0{vertex}".encode("utf-8", "surrogateescape")
        return f"sha256:{sha256(text).hexdigest()}"

    # ---- what happens

    async def add(self, events: Sequence[Happening]) -> None:
        """Tell several at once; waits where a client is slow."""
        message = StatusResponse()
        for event in events:
            message = self._with(message, event)
        if message != StatusResponse():
            await self._send(message)

    async def end(self) -> None:
        self._ended = True
        await self._tell(None)

    @asynccontextmanager
    async def vertex(self, name: str) -> AsyncIterator[Callable[[str], Awaitable[None]]]:
        """The block as a vertex of the service's own; what it gives tells a line of it."""

        async def say(line: str) -> None:
            await self.add([Event(Kind.OUTPUT, name, data=f"{line}\n".encode())])

        await self.add([Event(Kind.STARTED, name, name)])
        try:
            yield say
        except BaseException as error:
            text = error.message if isinstance(error, WherryError) else "CANCELED"
            await self.add([Event(Kind.FINISHED, name, text)])
            raise
        await self.add([Event(Kind.FINISHED, name)])

    async def _send(self, message: StatusResponse) -> None:
        if not self._followers:
            self._kept_log += sum(len(each.message) for each in message.logs)
            if self._kept_log > _MOST_KEPT_LOG:
                message = replace(message, logs=())
            if len(self._kept) < _MOST_KEPT:
                self._kept.append(message)
            return
        await self._tell(message)

    async def _tell(self, message: StatusResponse | None) -> None:
        """Tell all who follow: the first, whose build it is, is waited for."""
        for queue in self._followers[1:]:
            if queue.qsize() >= _MOST_WAITING:
                self._followers.remove(queue)
                queue.put_nowait(None)
            else:
                queue.put_nowait(message)
        if self._followers:
            await self._followers[0].put(message)

    def _with(self, message: StatusResponse, event: Happening) -> StatusResponse:
        if isinstance(event, Pull):
            return replace(message, statuses=(*message.statuses, self._pull(event)))
        if isinstance(event, Warned):
            digest = self.digest(event.vertex)
            found = [_warning(digest, document) for document in event.documents]
            return replace(message, warnings=(*message.warnings, *found))
        digest = self.digest(event.vertex)
        now = timestamp(event.time_ns)
        match event.kind:
            case Kind.STARTED:
                begun = Vertex(digest=digest, name=event.text, started=now)
                self._vertexes[digest] = begun
                return replace(message, vertexes=(*message.vertexes, begun))
            case Kind.FINISHED:
                known = self._vertexes.get(digest) or Vertex(digest=digest, started=now)
                ended = replace(known, completed=now, cached=event.cached, error=event.text)
                return replace(message, vertexes=(*message.vertexes, ended))
            case Kind.OUTPUT:
                return self._with_output(message, event, digest, now)
        return message

    def _with_output(
        self, message: StatusResponse, event: Event, digest: str, now: Timestamp
    ) -> StatusResponse:
        if event.stream == 0 and event.data.endswith(_DONE.encode()):
            name = event.data.decode("utf-8", "replace").removesuffix(_DONE)
            told = VertexStatus(
                id=name, vertex=digest, name=name, timestamp=now, started=now, completed=now
            )
            return replace(message, statuses=(*message.statuses, told))
        log = VertexLog(vertex=digest, timestamp=now, stream=event.stream or 1, message=event.data)
        return replace(message, logs=(*message.logs, log))

    def _pull(self, event: Pull) -> VertexStatus:
        now = timestamp(time.time_ns())
        is_done = event.status in ("Pull complete", "Already exists", "Download complete")
        return VertexStatus(
            id=event.layer or event.status,
            vertex=self.digest(event.vertex),
            name=f"{event.layer} {event.status}".strip(),
            current=event.current,
            total=event.total,
            timestamp=now,
            started=now,
            completed=now if is_done or not event.layer else None,
        )

    # ---- who listens

    async def follow(self) -> AsyncIterator[StatusResponse]:
        """All that happens from the beginning on, for the first that follows; until the end."""
        queue: asyncio.Queue[StatusResponse | None] = asyncio.Queue(_MOST_WAITING + 1)
        kept, self._kept = self._kept, []
        if not self._ended:
            self._followers.append(queue)
        try:
            for message in kept:
                yield message
            while not self._ended or not queue.empty():
                message_or_end = await queue.get()
                if message_or_end is None:
                    return
                yield message_or_end
        finally:
            if queue in self._followers:
                self._followers.remove(queue)
                # Whoever waits to tell something of the build waits no longer.
                while not queue.empty():
                    queue.get_nowait()


def _warning(vertex: str, document: Mapping[str, Any]) -> VertexWarning:
    source = document["sourceInfo"]
    return VertexWarning(
        vertex=vertex,
        level=document["level"],
        short=b64decode(document["short"]),
        detail=tuple(b64decode(each) for each in document["detail"]),
        url=document["url"],
        source=SourceInfo(
            filename=source["filename"], data=b64decode(source["data"]), language="Dockerfile"
        ),
        ranges=tuple(
            Range(start=Position(each["start"]["line"]), end=Position(each["end"]["line"]))
            for each in document["range"]
        ),
    )
