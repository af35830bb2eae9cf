"""DNS messages, RFC 1035, as far as a resolver that answers for a few names needs them.

A query is taken apart to its one question; an answer is put together from it. What is forwarded
is not taken apart: `is_answer_to` tells whether what comes back belongs to what was asked.
"""

import struct
from collections.abc import Sequence
from enum import IntEnum
from ipaddress import IPv4Address, IPv6Address

from wherry.values import dataclass

_HEADER = struct.Struct("!HHHHHH")  # ID, flags, then how many questions, answers, and the others
_QUESTION = struct.Struct("!HH")  # type, class
_RECORD = struct.Struct("!HHIH")  # type, class, seconds to live, length
_RESPONSE, _OPCODE, _TRUNCATED = 0x8000, 0x7800, 0x0200
_RECURSION_DESIRED, _RECURSION_AVAILABLE = 0x0100, 0x0080
_POINTER = 0xC0
_QUESTION_POINTER = b"\xc0\x0c"  # to the name of the question, which follows the header
_LONGEST_NAME = 255
_LONGEST_LABEL = 63
_PLAIN_UDP_SIZE = 512
_EDNS_SIZE = 1232  # fits into every packet, https://www.dnsflagday.net/2020/

# A container's address may be another one's soon.
SECONDS_TO_LIVE = 5

Name = tuple[bytes, ...]


class Type(IntEnum):
    A = 1
    PTR = 12
    AAAA = 28
    OPT = 41


class Code(IntEnum):
    """RCODE."""

    NO_ERROR = 0
    FORMAT_ERROR = 1
    SERVER_FAILURE = 2
    NOT_IMPLEMENTED = 4


class BadMessage(Exception):
    """Not a message, or one that is cut short."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Query:
    """A message with a question. `udp_size` is what its sender takes, 0 without EDNS."""

    id: int
    flags: int
    name: Name
    type: int
    klass: int
    udp_size: int = 0

    @property
    def text(self) -> str:
        """The name in lower case, without its last dot."""
        return b".".join(self.name).decode("latin-1").lower()

    @property
    def is_standard(self) -> bool:
        return not self.flags & _OPCODE


def parse_query(data: bytes) -> Query:
    """The question in a message from a client, or BadMessage."""
    if len(data) < _HEADER.size:
        raise BadMessage
    number, flags, questions, answers, authorities, others = _HEADER.unpack_from(data)
    if flags & _RESPONSE or questions != 1:
        raise BadMessage
    name, offset = read_name(data, _HEADER.size)
    if len(data) < offset + _QUESTION.size:
        raise BadMessage
    kind, klass = _QUESTION.unpack_from(data, offset)
    size = 0
    if not answers and not authorities and others:
        size = _udp_size(data, offset + _QUESTION.size, others)
    return Query(id=number, flags=flags, name=name, type=kind, klass=klass, udp_size=size)


def _udp_size(data: bytes, offset: int, count: int) -> int:
    for _ in range(count):
        _, offset = read_name(data, offset)
        if len(data) < offset + _RECORD.size:
            raise BadMessage
        kind, klass, _, length = _RECORD.unpack_from(data, offset)
        offset += _RECORD.size + length
        if kind == Type.OPT:  # whose class is the size, RFC 6891
            return max(int(klass), _PLAIN_UDP_SIZE)
    return 0


def read_name(data: bytes, offset: int) -> tuple[Name, int]:
    """The name at `offset` and where what follows it begins; pointers may only lead back."""
    labels: list[bytes] = []
    length = 1
    after = -1
    while True:
        if offset >= len(data):
            raise BadMessage
        size = data[offset]
        if size & _POINTER == _POINTER:
            if offset + 1 >= len(data):
                raise BadMessage
            target = (size & ~_POINTER) << 8 | data[offset + 1]
            if target >= offset:
                raise BadMessage
            after = offset + 2 if after < 0 else after
            offset = target
            continue
        if size & _POINTER:
            raise BadMessage
        offset += 1
        if size == 0:
            return tuple(labels), offset if after < 0 else after
        length += 1 + size
        if offset + size > len(data) or length > _LONGEST_NAME:
            raise BadMessage
        labels.append(data[offset : offset + size])
        offset += size


def packed_name(name: Name) -> bytes:
    """`name` as it stands in a message; ValueError when it is too long."""
    if any(not 0 < len(label) <= _LONGEST_LABEL for label in name):
        raise ValueError("a label of a name has 1 to 63 bytes")
    packed = b"".join(bytes((len(label),)) + label for label in name) + b"\0"
    if len(packed) > _LONGEST_NAME:
        raise ValueError("a name has at most 255 bytes")
    return packed


def is_sendable(name: Name) -> bool:
    """Whether `name` fits into a message."""
    try:
        packed_name(name)
    except ValueError:
        return False
    return True


def name_of(text: str) -> Name:
    """`web.net` as labels."""
    return tuple(part.encode("latin-1", "replace") for part in text.rstrip(".").split(".") if part)


def packed_query(query: Query) -> bytes:
    """The query as a client would send it."""
    additional = _edns(query.udp_size)
    header = _HEADER.pack(query.id, query.flags, 1, 0, 0, 1 if additional else 0)
    return header + _packed_question(query) + additional


def answer(
    query: Query,
    records: Sequence[IPv4Address | IPv6Address | Name] = (),
    code: Code = Code.NO_ERROR,
    *,
    stream: bool = False,
) -> bytes:
    """What `query` is answered: addresses, or names for a PTR; cut to what the asker takes."""
    question = _packed_question(query)
    additional = _edns(_EDNS_SIZE if query.udp_size else 0)
    limit = 0xFFFF if stream else query.udp_size or _PLAIN_UDP_SIZE
    room = limit - _HEADER.size - len(question) - len(additional)
    packed: list[bytes] = []
    flags = _RESPONSE | query.flags & (_RECURSION_DESIRED | _OPCODE) | _RECURSION_AVAILABLE | code
    for record in records:
        data = _packed_record(record)
        if len(data) > room:
            flags |= _TRUNCATED
            break
        room -= len(data)
        packed.append(data)
    header = _HEADER.pack(query.id, flags, 1, len(packed), 0, 1 if additional else 0)
    return b"".join((header, question, *packed, additional))


def _packed_question(query: Query) -> bytes:
    return packed_name(query.name) + _QUESTION.pack(query.type, query.klass)


def _packed_record(record: IPv4Address | IPv6Address | Name) -> bytes:
    if isinstance(record, tuple):
        kind, data = Type.PTR, packed_name(record)
    else:
        kind, data = (Type.A if record.version == 4 else Type.AAAA), record.packed
    return _QUESTION_POINTER + _RECORD.pack(kind, 1, SECONDS_TO_LIVE, len(data)) + data


def _edns(size: int) -> bytes:
    return b"\0" + _RECORD.pack(Type.OPT, size, 0, 0) if size else b""


def answer_records(data: bytes) -> tuple[Code, bool, list[tuple[int, bytes]]]:
    """Code, whether it was cut short, and type and data of each record of an answer."""
    if len(data) < _HEADER.size:
        raise BadMessage
    _, flags, questions, answers, _, _ = _HEADER.unpack_from(data)
    offset = _HEADER.size
    for _ in range(questions):
        _, offset = read_name(data, offset)
        offset += _QUESTION.size
    records = []
    for _ in range(answers):
        _, offset = read_name(data, offset)
        if len(data) < offset + _RECORD.size:
            raise BadMessage
        kind, _, _, length = _RECORD.unpack_from(data, offset)
        offset += _RECORD.size
        records.append((kind, data[offset : offset + length]))
        offset += length
    return Code(flags & 0xF), bool(flags & _TRUNCATED), records


def is_answer_to(data: bytes, query: Query, number: int) -> bool:
    """Whether `data` answers `query` as it was forwarded under the ID `number`."""
    try:
        found, flags, questions, *_ = _HEADER.unpack_from(data)
        if found != number or not flags & _RESPONSE:
            return False
        if questions == 0:  # some servers do so to say that they will not
            return bool(flags & 0xF)
        name, offset = read_name(data, _HEADER.size)
        kind, klass = _QUESTION.unpack_from(data, offset)
    except (BadMessage, struct.error):
        return False
    same = [label.lower() for label in name] == [label.lower() for label in query.name]
    return same and (kind, klass) == (query.type, query.klass)


def with_id(data: bytes, number: int) -> bytes:
    """A message under another ID."""
    return number.to_bytes(2, "big") + data[2:]


def reversed_address(text: str) -> IPv4Address | IPv6Address | None:
    """The address that 4.3.2.1.in-addr.arpa or its like under ip6.arpa asks about."""
    for suffix, width in ((".in-addr.arpa", 4), (".ip6.arpa", 32)):
        if text.endswith(suffix):
            parts = text.removesuffix(suffix).split(".")[::-1]
            if len(parts) != width:
                return None
            try:
                if width == 4:
                    return IPv4Address(".".join(parts))
                return IPv6Address(bytes.fromhex("".join(parts)))
            except ValueError:
                return None
    return None
