"""DNS messages: what is packed is read again, and whatever arrives is read or refused."""

from ipaddress import IPv4Address, IPv6Address

from hypothesis import given
from hypothesis import strategies as st

from wherry.network import dns
from wherry.network.dns import BadMessage, Query, Type

labels = st.binary(min_size=1, max_size=63)
names = (
    st.lists(labels, max_size=8)
    .map(tuple)
    .filter(lambda name: sum(len(label) + 1 for label in name) < 254)
)
addresses = st.one_of(
    st.integers(0, 2**32 - 1).map(IPv4Address), st.integers(0, 2**128 - 1).map(IPv6Address)
)
queries = st.builds(
    lambda number, desired, name, kind, size: Query(
        id=number, flags=0x100 if desired else 0, name=name, type=kind, klass=1, udp_size=size
    ),
    st.integers(0, 0xFFFF),
    st.booleans(),
    names,
    st.integers(1, 0xFFFF).filter(lambda kind: kind != Type.OPT),
    st.sampled_from((0, 512, 1232, 4096)),
)


@given(names)
def test_a_name_that_is_packed_is_read_again(name: dns.Name) -> None:
    packed = dns.packed_name(name)

    assert dns.read_name(b"head" + packed + b"tail", 4) == (name, 4 + len(packed))


@given(queries)
def test_a_query_that_is_packed_is_read_again(query: Query) -> None:
    read = dns.parse_query(dns.packed_query(query))

    assert read == query


@given(queries, st.lists(addresses, max_size=60), st.booleans())
def test_an_answer_has_what_fits_and_says_when_that_is_not_all(
    query: Query, records: list[IPv4Address | IPv6Address], stream: bool
) -> None:
    data = dns.answer(query, records, stream=stream)

    code, truncated, read = dns.answer_records(data)
    assert code is dns.Code.NO_ERROR
    assert [value for _, value in read] == [each.packed for each in records[: len(read)]]
    assert truncated == (len(read) < len(records))
    assert len(data) <= (0xFFFF if stream else query.udp_size or 512)
    assert not (stream and truncated)
    assert dns.is_answer_to(data, query, query.id)
    assert not dns.is_answer_to(data, query, query.id ^ 1)


@given(st.binary(max_size=600))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    try:
        query = dns.parse_query(data)
    except BadMessage:
        return
    assert len(dns.packed_name(query.name)) <= 255


@given(queries, st.data())
def test_a_damaged_query_is_read_or_refused(query: Query, data: st.DataObject) -> None:
    packed = bytearray(dns.packed_query(query))
    at = data.draw(st.integers(0, len(packed) - 1))
    packed[at] = data.draw(st.integers(0, 255))
    cut = bytes(packed[: data.draw(st.integers(0, len(packed)))])
    try:
        dns.parse_query(cut)
    except BadMessage:
        return


@given(queries, st.binary(max_size=80))
def test_any_bytes_are_compared_with_a_query(query: Query, data: bytes) -> None:
    assert not dns.is_answer_to(data, query, query.id) or data[:2] == query.id.to_bytes(2, "big")


@given(addresses)
def test_an_address_is_found_again_in_its_reverse_name(address: IPv4Address | IPv6Address) -> None:
    assert dns.reversed_address(address.reverse_pointer) == address


def test_a_name_cannot_point_to_itself_or_ahead() -> None:
    for text in (b"\xc0\x00", b"\x01a\xc0\x04\x00", b"\xc0\x02\xc0\x00"):
        try:
            dns.read_name(text, 0)
        except BadMessage:
            continue
        raise AssertionError(text)
