"""What several services share: moments, errors, platforms, places in a Dockerfile."""

from wherry.api.buildkit.wire import NUMBER, RAW, TEXT, Codec, many
from wherry.values import dataclass

_SECOND = 10**9


@dataclass(frozen=True, slots=True)
class Empty:
    """A message that says nothing, or nothing that matters here."""


EMPTY = Codec(Empty)


@dataclass(frozen=True, slots=True)
class Timestamp:
    seconds: int = 0
    nanos: int = 0


TIMESTAMP = Codec(Timestamp, seconds=(1, NUMBER), nanos=(2, NUMBER))


def timestamp(time_ns: int) -> Timestamp:
    """The moment `time_ns` nanoseconds after the epoch."""
    return Timestamp(*divmod(time_ns, _SECOND))


@dataclass(frozen=True, kw_only=True, slots=True)
class Detail:
    """google.protobuf.Any: one more fact on an error, in the form that its type names."""

    type_url: str = ""
    value: bytes = b""


DETAIL = Codec(Detail, type_url=(1, TEXT), value=(2, RAW))


@dataclass(frozen=True, kw_only=True, slots=True)
class Status:
    """google.rpc.Status."""

    code: int = 0
    message: str = ""
    details: tuple[Detail, ...] = ()


STATUS = Codec(Status, code=(1, NUMBER), message=(2, TEXT), details=(3, many(DETAIL.kind)))


@dataclass(frozen=True, kw_only=True, slots=True)
class PlatformMessage:
    architecture: str = ""
    os: str = ""
    variant: str = ""


PLATFORM = Codec(PlatformMessage, architecture=(1, TEXT), os=(2, TEXT), variant=(3, TEXT))


@dataclass(frozen=True, slots=True)
class Bytes:
    """BytesMessage of several services: a piece of a stream."""

    data: bytes = b""


BYTES = Codec(Bytes, data=(1, RAW))


@dataclass(frozen=True, slots=True)
class Position:
    line: int = 0


POSITION = Codec(Position, line=(1, NUMBER))


@dataclass(frozen=True, kw_only=True, slots=True)
class Range:
    """Lines of a Dockerfile, both inclusive."""

    start: Position | None = None
    end: Position | None = None


RANGE = Codec(Range, start=(1, POSITION.kind), end=(2, POSITION.kind))


@dataclass(frozen=True, kw_only=True, slots=True)
class SourceInfo:
    """A Dockerfile."""

    filename: str = ""
    data: bytes = b""
    language: str = ""


SOURCE_INFO = Codec(SourceInfo, filename=(1, TEXT), data=(2, RAW), language=(4, TEXT))
