"""What cannot be read of a log is said in the stream: its head has been sent.

As dockerd says it, which now and then forgets to.
"""

from pathlib import Path

import pytest

from tests.api.wire import Wire, ask
from wherry.testing.service import RunningService

SYSTEM_ERROR = 3  # the stream of a frame that is the engine's own, and the last


def logged(path: Path, *, tty: bool = False, **log: object) -> tuple[str, Path]:
    """A container that has written a line and ended, and the file that has it."""
    body = {
        "Image": "busybox",
        "Cmd": ["echo", "line"],
        "Tty": tty,
        "HostConfig": {"LogConfig": log},
    }
    container = ask(path, "POST", "/containers/create", body).json()["Id"]
    assert ask(path, "POST", f"/containers/{container}/start").status == 204
    assert ask(path, "POST", f"/containers/{container}/wait").json()["StatusCode"] == 0
    return container, Path(ask(path, "GET", f"/containers/{container}/json").json()["LogPath"])


@pytest.mark.parametrize("tty", [False, True])
def test_a_log_that_cannot_be_read_ends_with_an_error(tty: bool, service: RunningService) -> None:
    rotates = {"max-size": "1m", "max-file": "3", "compress": "true"}
    container, file = logged(service.socket, tty=tty, Type="json-file", Config=rotates)
    file.with_name(f"{file.name}.1.gz").write_bytes(b"no archive")

    answer = ask(service.socket, "GET", f"/containers/{container}/logs?stdout=1&stderr=1")

    assert answer.status == 200
    text = answer.body if tty else answer.body[8:]
    assert text.startswith(b"Error grabbing logs: ")
    assert text.endswith(b"\n")
    if not tty:
        assert answer.body[:8] == bytes((SYSTEM_ERROR, 0, 0, 0)) + len(text).to_bytes(4, "big")


def test_who_attaches_to_a_log_that_is_not_kept_reads_why(service: RunningService) -> None:
    container, _ = logged(service.socket, Type="none")
    with Wire(service.socket) as wire:
        wire.send("POST", f"/containers/{container}/attach?logs=1&stream=1&stdout=1&stderr=1")
        assert wire.head()[0] == 200
        said = wire.to_end()
    assert said[:8] == bytes((1, 0, 0, 0)) + len(said[8:]).to_bytes(4, "big")
    assert said[8:].startswith(b"Error attaching: ")
