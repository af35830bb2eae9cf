"""Requests and frames between client and shim."""

from hypothesis import given
from hypothesis import strategies as st

from wherry.shim.protocol import (
    CONTROL,
    STDERR,
    STDOUT,
    FrameReader,
    control,
    frame,
    parse_control,
    parse_request,
    request_bytes,
)

FRAMES = st.lists(
    st.tuples(st.sampled_from([STDOUT, STDERR, CONTROL]), st.binary(max_size=50)), max_size=8
)


@given(frames=FRAMES, data=st.data())
def test_frames_survive_any_cutting(frames: list[tuple[int, bytes]], data: st.DataObject) -> None:
    sent = b"".join(frame(stream, body) for stream, body in frames)
    reader, received = FrameReader(), []
    while sent:
        size = data.draw(st.integers(1, len(sent)))
        received += list(reader.feed(sent[:size]))
        sent = sent[size:]

    for wanted in (STDOUT, STDERR):
        assert b"".join(body for stream, body in received if stream == wanted) == b"".join(
            body for stream, body in frames if stream == wanted
        )
    assert [body for stream, body in received if stream == CONTROL] == [
        body for stream, body in frames if stream == CONTROL
    ]


def test_a_request_of_another_installation_is_told_from_ours() -> None:
    request = request_bytes("run", {"image": "busybox"})
    assert int.from_bytes(request[:4], "big") == len(request) - 4
    assert parse_request(request[4:]) == ("run", {"image": "busybox"})
    assert parse_request(request[4:].replace(b"protocol.py", b"protocol.XX")) is None


def test_control_messages_are_dicts() -> None:
    ((stream, body),) = FrameReader().feed(control(exit=3))
    assert stream == CONTROL
    assert parse_control(body) == {"exit": 3}
