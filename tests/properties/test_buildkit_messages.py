"""BuildKit's messages: what is written is read again, and what is nonsense is no crash."""

from hypothesis import given
from hypothesis import strategies as st

from wherry.api.buildkit.messages.control import (
    SOLVE_REQUEST,
    CacheOption,
    CacheOptions,
    Exporter,
    SolveRequest,
)
from wherry.api.buildkit.messages.session import PACKET, Packet, Stat
from wherry.api.buildkit.wire import InvalidMessage, read_varint, write_varint

TEXTS = st.text(max_size=6)
PAIRS = st.dictionaries(TEXTS, TEXTS, max_size=3)
NUMBERS = st.integers(-(1 << 63), (1 << 63) - 1)

STATS = st.builds(
    Stat,
    path=TEXTS,
    mode=st.integers(0, (1 << 32) - 1),
    size=NUMBERS,
    modified=NUMBERS,
    link=TEXTS,
    xattrs=st.dictionaries(TEXTS, st.binary(max_size=5), max_size=2),
)
PACKETS = st.builds(
    Packet,
    type=st.integers(0, 4),
    stat=st.none() | STATS,
    id=st.integers(0, (1 << 32) - 1),
    data=st.binary(max_size=300),
)
OPTIONS = st.builds(CacheOption, type=TEXTS, attrs=PAIRS)
REQUESTS = st.builds(
    SolveRequest,
    ref=TEXTS,
    attrs=PAIRS,
    internal=st.booleans(),
    entitlements=st.lists(TEXTS, max_size=3).map(tuple),
    cache=st.none() | st.builds(CacheOptions, imports=st.lists(OPTIONS, max_size=2).map(tuple)),
    exporters=st.lists(st.builds(Exporter, type=TEXTS, attrs=PAIRS), max_size=2).map(tuple),
)


@given(PACKETS)
def test_a_packet_is_read_as_it_was_written(packet: Packet) -> None:
    assert PACKET.decode(PACKET.encode(packet)) == packet


@given(REQUESTS)
def test_a_request_is_read_as_it_was_written(request: SolveRequest) -> None:
    assert SOLVE_REQUEST.decode(SOLVE_REQUEST.encode(request)) == request


@given(NUMBERS)
def test_a_number_is_read_as_it_was_written(number: int) -> None:
    data = write_varint(number)
    assert read_varint(data + b"more", 0) == (number % (1 << 64), len(data))


@given(st.binary(max_size=60))
def test_nonsense_is_refused_or_read(data: bytes) -> None:
    for codec in (PACKET, SOLVE_REQUEST):
        try:
            codec.decode(data)
        except InvalidMessage:
            continue


def test_the_bytes_are_those_of_the_format() -> None:
    # As protoc writes them; unknown fields of each wire type are passed over.
    packet = Packet(type=2, id=300, data=b"ab")
    assert PACKET.encode(packet) == bytes.fromhex("0802 18ac02 22026162".replace(" ", ""))
    unknown = bytes.fromhex("7801 7a0161 790000000000000000 7d00000000".replace(" ", ""))
    assert PACKET.decode(unknown + PACKET.encode(packet)) == packet
