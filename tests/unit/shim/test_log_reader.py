"""Logs on disk: rotated, followed, cut short, in either format."""

import socket
import threading
from pathlib import Path

import pytest

from wherry.errors import WherryError
from wherry.oci.timestamps import format_timestamp
from wherry.shim.log import json_file, local
from wherry.shim.log.files import RotatingFile, rotated_files
from wherry.shim.log.options import LogOptions, read_log_options
from wherry.shim.log.reader import LogReader, LogRequest
from wherry.testing.waiting import eventually

SECOND = 1_000_000_000


def _write(file: RotatingFile, driver: str, text: bytes, stream: int, time: int) -> None:
    whole = text.endswith(b"\n")
    if driver == "local":
        file.write_record(local.encode(text, stream, time, whole=whole))
    else:
        encode = json_file.encode_lines if whole else json_file.encode_piece
        file.write_lines(encode(text, stream, format_timestamp(time).encode()))


def _text(path: Path, driver: str, request: LogRequest) -> bytes:
    return b"".join(text for _, text in LogReader(path, driver, request).read())


@pytest.fixture(params=["json-file", "local"])
def driver(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.mark.parametrize("count", [1, 3])
def test_a_rotated_log_reads_as_one(tmp_path: Path, driver: str, count: int) -> None:
    path = tmp_path / "log"
    file = RotatingFile(path, 1000, count, compress=count == 3)
    lines = [f"line {number}\n".encode() for number in range(100)]
    for number, line in enumerate(lines):
        _write(file, driver, line, 1, number * SECOND)
    file.close()
    if count == 3:  # a child is still at it
        eventually(lambda: all(older.suffix == ".gz" for older in rotated_files(path)))

    text = _text(path, driver, LogRequest())
    assert b"".join(lines).endswith(text)
    assert text
    assert path.stat().st_size <= 1100
    assert len(rotated_files(path)) == count - 1
    assert all(older.suffix == ".gz" for older in rotated_files(path))
    assert _text(path, driver, LogRequest(tail=2)) == text[-len(b"".join(lines[-2:])) :]


def test_what_is_shown_can_be_chosen(tmp_path: Path, driver: str) -> None:
    path = tmp_path / "log"
    file = RotatingFile(path, 0, 5, compress=False)
    _write(file, driver, b"a\nb\n", 1, SECOND)
    _write(file, driver, b"oops\n", 2, 2 * SECOND + 5)
    _write(file, driver, b"half ", 1, 3 * SECOND)
    _write(file, driver, b"whole\n", 1, 4 * SECOND)
    file.close()

    assert _text(path, driver, LogRequest()) == b"a\nb\noops\nhalf whole\n"
    assert _text(path, driver, LogRequest(stdout=False)) == b"oops\n"
    assert _text(path, driver, LogRequest(since=2 * SECOND, until=3 * SECOND)) == b"oops\nhalf "
    far = 253402300800 * SECOND  # the year 10000, and one before the year 1
    assert _text(path, driver, LogRequest(until=far)) == b"a\nb\noops\nhalf whole\n"
    assert _text(path, driver, LogRequest(since=far)) == b""
    assert _text(path, driver, LogRequest(since=-far)) == b"a\nb\noops\nhalf whole\n"
    assert _text(path, driver, LogRequest(tail=3)) == b"oops\nhalf whole\n"
    assert _text(path, driver, LogRequest(tail=4)) == b"b\noops\nhalf whole\n"
    assert _text(path, driver, LogRequest(tail=0)) == b""
    assert _text(path, driver, LogRequest(timestamps=True)) == (
        b"1970-01-01T00:00:01.000000000Z a\n"
        b"1970-01-01T00:00:01.000000000Z b\n"
        b"1970-01-01T00:00:02.000000005Z oops\n"
        b"1970-01-01T00:00:03.000000000Z half whole\n"
    )


def test_details_come_before_the_text(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(json_file.encode_lines(b"hi\n", 1, b"T", b'{"tag":"a b","FOO":"1"}'))
    assert _text(path, "json-file", LogRequest(details=True)) == b"FOO=1,tag=a%20b hi\n"


def test_following_survives_rotation_and_ends_with_the_supervisor(
    tmp_path: Path, driver: str
) -> None:
    path = tmp_path / "log"
    file = RotatingFile(path, 500, 50, compress=False)
    ours, theirs = socket.socketpair()
    seen: list[bytes] = []

    def follow() -> None:
        reader = LogReader(path, driver, LogRequest())
        for _, text in reader.follow(ours.fileno()):
            seen.append(text)
        reader.close()

    _write(file, driver, b"first\n", 1, 0)
    thread = threading.Thread(target=follow)
    thread.start()
    eventually(lambda: seen, what="the backlog is shown")
    expected = [b"first\n"] + [f"line {number}\n".encode() for number in range(200)]
    for line in expected[1:]:
        _write(file, driver, line, 1, 0)
    theirs.close()
    thread.join()
    ours.close()
    file.close()
    assert b"".join(seen) == b"".join(expected)
    assert len(rotated_files(path)) > 3


@pytest.mark.needs("root")
def test_a_full_disk_loses_lines_and_nothing_else(tmp_path: Path) -> None:
    import resource
    import signal

    path = tmp_path / "log"
    file = RotatingFile(path, 0, 1, compress=False)
    _write(file, "json-file", b"before\n", 1, 0)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, limits[1]))
    try:
        _write(file, "json-file", b"lost " * 100 + b"\n", 1, 0)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, before)
    _write(file, "json-file", b"after\n", 1, 0)
    file.close()
    assert _text(path, "json-file", LogRequest()) == b"before\nafter\n"


# dockerd's words, in the order of its checks.
REFUSED = [
    ("json-file", {"foo": "bar"}, "unknown log opt 'foo' for json-file log driver"),
    ("local", {"foo": "1"}, "unknown log opt 'foo' for log driver local"),
    ("json-file", {"max-size": "x"}, "failed to initialize logging driver: invalid size: 'x'"),
    (
        "local",
        {"max-size": "z"},
        "failed to initialize logging driver: invalid value for max-size: z: invalid size: 'z'",
    ),
    (
        "json-file",
        {"max-file": "x"},
        'failed to initialize logging driver: strconv.Atoi: parsing "x": invalid syntax',
    ),
    (
        "json-file",
        {"max-file": "0"},
        "failed to initialize logging driver: max-file cannot be less than 1",
    ),
    (
        "json-file",
        {"max-size": "10k", "compress": "true"},
        (
            "failed to initialize logging driver: compress cannot be true when max-file is less"
            " than 2 or max-size is not set"
        ),
    ),
    ("json-file", {"mode": "x"}, "logger: logging mode not supported: x"),
    (
        "json-file",
        {"max-buffer-size": "1m"},
        "logger: max-buffer-size option is only supported with 'mode=non-blocking'",
    ),
    ("foo", {}, 'error looking up logging plugin foo: plugin "foo" not found'),
    ("none", {"foo": "1"}, "invalid logging opts for driver none"),
    (
        "json-file",
        {"tag": "{{.Foo"},
        "failed to initialize logging driver: template: log-tag:1: unclosed action",
    ),
]


@pytest.mark.parametrize(("name", "options", "words"), REFUSED)
def test_a_wrong_option_is_refused_in_dockers_words(
    name: str, options: dict[str, str], words: str
) -> None:
    with pytest.raises(WherryError) as caught:
        read_log_options(name, options)
    assert caught.value.message == words


def test_logs_are_bounded_by_default() -> None:
    assert read_log_options("", {}) == LogOptions(
        driver="json-file", capacity=20_000_000, count=5, compress=False, tagging={}
    )
    assert read_log_options("json-file", {"max-size": "10k"}).count == 1
    assert read_log_options("json-file", {"max-size": "-1"}).capacity == 0
