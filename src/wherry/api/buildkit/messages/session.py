"""Services that a client has in its session: files, secrets, credentials, an ssh agent."""

from enum import IntEnum

from wherry.api.buildkit.wire import NUMBER, RAW, TEXT, Codec, mapping
from wherry.values import dataclass, field


class PacketType(IntEnum):
    STAT = 0
    REQUEST = 1
    DATA = 2
    END = 3
    ERROR = 4


@dataclass(frozen=True, kw_only=True, slots=True)
class Stat:
    """An entry of a tree. `mode` has Go's bits for the type, `modified` is in nanoseconds."""

    path: str = ""
    mode: int = 0
    uid: int = 0
    gid: int = 0
    size: int = 0
    modified: int = 0
    link: str = ""
    major: int = 0
    minor: int = 0
    xattrs: "dict[str, bytes]" = field(default_factory=dict)


STAT = Codec(
    Stat,
    path=(1, TEXT),
    mode=(2, NUMBER),
    uid=(3, NUMBER),
    gid=(4, NUMBER),
    size=(5, NUMBER),
    modified=(6, NUMBER),
    link=(7, TEXT),
    major=(8, NUMBER),
    minor=(9, NUMBER),
    xattrs=(10, mapping(RAW)),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Packet:
    """What both sides of a transfer of files send each other."""

    type: int = PacketType.STAT
    stat: Stat | None = None
    id: int = 0
    data: bytes = b""


PACKET = Codec(Packet, type=(1, NUMBER), stat=(2, STAT.kind), id=(3, NUMBER), data=(4, RAW))


@dataclass(frozen=True, slots=True)
class SecretRequest:
    id: str = ""


SECRET_REQUEST = Codec(SecretRequest, id=(1, TEXT))


@dataclass(frozen=True, slots=True)
class CredentialsRequest:
    host: str = ""


CREDENTIALS_REQUEST = Codec(CredentialsRequest, host=(1, TEXT))


@dataclass(frozen=True, kw_only=True, slots=True)
class CredentialsResponse:
    """A name and a password; without a name the secret is an identity token."""

    username: str = ""
    secret: str = ""


CREDENTIALS_RESPONSE = Codec(CredentialsResponse, username=(1, TEXT), secret=(2, TEXT))


@dataclass(frozen=True, slots=True)
class AgentRequest:
    id: str = ""


AGENT_REQUEST = Codec(AgentRequest, id=(1, TEXT))
