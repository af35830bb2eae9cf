"""SCMP_ACT_NOTIFY: an agent is told of a container, and answers for its system calls."""

import errno
import fcntl
import json
import os
import select
import socket
import struct
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from wherry.linux.cgroup.manager import open_manager
from wherry.testing.abilities import why_not_run
from wherry.testing.bundles import Bundle, Config
from wherry.testing.runtime_command import write_runtime_command

pytestmark = pytest.mark.needs("root", "containers")
# seccomp_unotify(2): its ioctls, the size of what is received, and what is answered: ID, value,
# error, flags.
_RECEIVE, _SEND = 0xC0502100, 0xC0182101
_ASKED_SIZE = 80
_ANSWER = struct.Struct("=QqiI")
CGROUP = f"/wherry-test-agent-{os.getpid()}"


class Agent:
    """Waits for one container and lets each call of its that is notified fail with ENOMEDIUM."""

    def __init__(self, path: Path) -> None:
        self.told: list[dict[str, Any]] = []
        self._server = socket.socket(socket.AF_UNIX)
        self._server.bind(str(path))
        self._server.listen()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._server.accept()
            except OSError:
                return
            with client:
                data, descriptors, _, _ = socket.recv_fds(client, 1 << 16, 4)
            self.told.append(json.loads(data))
            threading.Thread(target=self._answer, args=descriptors, daemon=True).start()

    @staticmethod
    def _answer(descriptor: int) -> None:
        poll = select.poll()
        poll.register(descriptor, select.POLLIN)
        while all(events == select.POLLIN for _, events in poll.poll()):
            asked = bytearray(_ASKED_SIZE)
            fcntl.ioctl(descriptor, _RECEIVE, asked)
            (number,) = struct.unpack_from("=Q", asked)
            fcntl.ioctl(descriptor, _SEND, _ANSWER.pack(number, 0, -errno.ENOMEDIUM, 0))
        os.close(descriptor)  # the last process that it confines has ended

    def close(self) -> None:
        self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        self._thread.join()


@pytest.fixture(params=["wherry", "runc"])
def bundle(request: pytest.FixtureRequest) -> Iterator[Bundle]:
    with tempfile.TemporaryDirectory(dir="/var/tmp") as name:
        program = str(write_runtime_command(Path(name)))
        if request.param == "runc":
            if reason := why_not_run("runc"):
                pytest.skip(reason)
            program = "runc"
        made = Bundle(program, Path(name), CGROUP)
        yield made
        made.delete()
        manager = open_manager(CGROUP)
        manager.signal_all(9)
        manager.wait_until_empty(5)
        manager.delete()


def with_agent(config: Config, listener: Path) -> None:
    """mkdir(2) is asked for; of the process and its state the agent is told."""
    config["annotations"] = {"k": "v"}
    config["linux"]["seccomp"] = {
        "defaultAction": "SCMP_ACT_ALLOW",
        "listenerPath": str(listener),
        "listenerMetadata": "words",
        "syscalls": [{"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_NOTIFY"}],
    }


@pytest.mark.parametrize("privileges", [False, True])
def test_an_agent_answers_for_a_container_and_what_joins_it(
    bundle: Bundle, privileges: bool
) -> None:
    listener = bundle.folder / "agent.sock"
    agent = Agent(listener)

    def ask(config: Config) -> None:
        with_agent(config, listener)
        config["process"]["noNewPrivileges"] = privileges

    try:
        bundle.start(ask)
        pid = json.loads(bundle("state", "one").stdout)["pid"]
        result = bundle("exec", "one", "mkdir", "/tmp/x", check=False)
    finally:
        bundle.delete()
        agent.close()

    assert (result.returncode, "No medium found" in result.stderr) == (1, True)
    first, joined = agent.told
    assert first["pid"] == pid
    assert joined["pid"] != pid
    for told in (first, joined):
        assert (told["fds"], told["metadata"]) == (["seccompFd"], "words")
        state = told["state"]
        assert (state["id"], state["bundle"]) == ("one", str(bundle.path))
        assert state["annotations"]["k"] == "v"
        assert state["pid"] == pid
    assert [first["state"]["status"], joined["state"]["status"]] == ["creating", "running"]


def test_without_an_agent_nothing_is_made(bundle: Bundle) -> None:
    listener = bundle.folder / "nobody.sock"

    result = bundle.run("echo ran", lambda config: with_agent(config, listener), check=False)

    assert result.stdout == ""
    assert str(listener) in result.stderr
    assert bundle("state", "one", check=False).returncode != 0
