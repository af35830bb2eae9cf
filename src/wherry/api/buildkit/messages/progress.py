"""What Control.Status streams: the steps of a build, how far they are, what they write."""

from wherry.api.buildkit.messages.common import (
    RANGE,
    SOURCE_INFO,
    TIMESTAMP,
    Range,
    SourceInfo,
    Timestamp,
)
from wherry.api.buildkit.wire import FLAG, NUMBER, RAW, TEXT, Codec, many
from wherry.values import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Vertex:
    digest: str = ""
    name: str = ""
    cached: bool = False
    started: Timestamp | None = None
    completed: Timestamp | None = None
    error: str = ""


VERTEX = Codec(
    Vertex,
    digest=(1, TEXT),
    name=(3, TEXT),
    cached=(4, FLAG),
    started=(5, TIMESTAMP.kind),
    completed=(6, TIMESTAMP.kind),
    error=(7, TEXT),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class VertexStatus:
    """A part of a step that has a progress of its own."""

    id: str = ""
    vertex: str = ""
    name: str = ""
    current: int = 0
    total: int = 0
    timestamp: Timestamp | None = None
    started: Timestamp | None = None
    completed: Timestamp | None = None


VERTEX_STATUS = Codec(
    VertexStatus,
    id=(1, TEXT),
    vertex=(2, TEXT),
    name=(3, TEXT),
    current=(4, NUMBER),
    total=(5, NUMBER),
    timestamp=(6, TIMESTAMP.kind),
    started=(7, TIMESTAMP.kind),
    completed=(8, TIMESTAMP.kind),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class VertexLog:
    vertex: str = ""
    timestamp: Timestamp | None = None
    stream: int = 0
    message: bytes = b""


VERTEX_LOG = Codec(
    VertexLog,
    vertex=(1, TEXT),
    timestamp=(2, TIMESTAMP.kind),
    stream=(3, NUMBER),
    message=(4, RAW),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class VertexWarning:
    vertex: str = ""
    level: int = 0
    short: bytes = b""
    detail: tuple[bytes, ...] = ()
    url: str = ""
    source: SourceInfo | None = None
    ranges: tuple[Range, ...] = ()


VERTEX_WARNING = Codec(
    VertexWarning,
    vertex=(1, TEXT),
    level=(2, NUMBER),
    short=(3, RAW),
    detail=(4, many(RAW)),
    url=(5, TEXT),
    source=(6, SOURCE_INFO.kind),
    ranges=(7, many(RANGE.kind)),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class StatusResponse:
    vertexes: tuple[Vertex, ...] = ()
    statuses: tuple[VertexStatus, ...] = ()
    logs: tuple[VertexLog, ...] = ()
    warnings: tuple[VertexWarning, ...] = ()


STATUS_RESPONSE = Codec(
    StatusResponse,
    vertexes=(1, many(VERTEX.kind)),
    statuses=(2, many(VERTEX_STATUS.kind)),
    logs=(3, many(VERTEX_LOG.kind)),
    warnings=(4, many(VERTEX_WARNING.kind)),
)
