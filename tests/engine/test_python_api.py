"""Containers as a library user writes them."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from wherry.engine.containers.handle import ContainerFailed
from wherry.engine.engine import Engine
from wherry.errors import InvalidArgument
from wherry.store.containers import NoSuchContainer, Status
from wherry.testing.command import Wherry
from wherry.testing.waiting import eventually

pytestmark = pytest.mark.needs("containers")

OWNER = """
import sys
from wherry import Engine
engine = Engine(sys.argv[1], sys.argv[2])
with engine.containers.run("busybox", ["sleep", "600"], detach=True, network="none") as made:
    print(made.id, flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def engine(wherry: Wherry) -> Iterator[Engine]:
    engine = Engine(wherry.root, wherry.run_folder)
    yield engine
    engine.store.database.close()


def test_run_returns_what_the_program_prints(engine: Engine) -> None:
    assert engine.containers.run("busybox", ["echo", "hi"], network="none") == "hi\n"
    assert (
        engine.containers.run("busybox", ["printf", r"\377"], text=False, network="none") == b"\xff"
    )
    assert engine.containers.run("busybox", ["rev"], stdin=b"abc\n", network="none") == "cba\n"
    assert engine.containers.list(all_states=True) == []


def test_a_program_that_fails_raises_with_its_output(engine: Engine) -> None:
    with pytest.raises(ContainerFailed, match="ended with code 3: bad") as failure:
        engine.containers.run(
            "busybox", ["sh", "-c", "echo out; echo bad >&2; exit 3"], network="none"
        )

    assert (failure.value.exit_status, failure.value.stdout) == (3, b"out\n")
    assert engine.containers.list(all_states=True) == []


def test_a_wrong_option_makes_nothing(engine: Engine) -> None:
    with pytest.raises(InvalidArgument):
        engine.containers.run("busybox", ["true"], memory="1k")
    with pytest.raises(InvalidArgument, match="unknown option: memroy"):
        engine.containers.run("busybox", ["true"], memroy="64m")
    assert engine.containers.list(all_states=True) == []


def test_a_container_lasts_as_long_as_its_block(engine: Engine) -> None:
    with engine.containers.run("busybox", ["sleep", "600"], detach=True, network="none") as made:
        assert made.status is Status.RUNNING
        result = made.exec(["sh", "-c", "echo $A; cat; echo no >&2; exit 4"], env={"A": "1"})
        assert result.exit_code == 4
        assert (result.output, result.stderr) == ("1\n", b"no\n")
        assert made.exec(["cat"], stdin=b"typed").stdout == b"typed"

    with pytest.raises(NoSuchContainer):
        engine.containers.get(made.id)


@pytest.mark.parametrize("launcher", ["on", "off"])
def test_a_container_ends_with_the_process_that_uses_it(
    engine: Engine, wherry: Wherry, launcher: str
) -> None:
    owner = subprocess.Popen(
        [sys.executable, "-c", OWNER, os.fspath(wherry.root), os.fspath(wherry.run_folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join(sys.path),
            "WHERRY_LAUNCHER": launcher,
        },
    )
    with owner:
        assert owner.stdout is not None
        container_id = owner.stdout.readline().strip()
        made = engine.containers.get(container_id)
        assert made.status is Status.RUNNING
        pid = made.state.pid

        owner.send_signal(signal.SIGKILL)

        eventually(
            lambda: not engine.containers.list(all_states=True), seconds=10, what="the row goes"
        )
        assert not Path(f"/proc/{pid}").exists()


def test_a_program_with_threads_needs_no_launcher(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WHERRY_LAUNCHER", "off")

    with ThreadPoolExecutor(1) as threads:
        done = threading.Event()
        threads.submit(done.wait)
        try:
            assert engine.containers.run("busybox", ["echo", "hi"]) == "hi\n"
        finally:
            done.set()


@pytest.mark.parametrize("launcher", ["on", "off"])
def test_containers_have_no_way_to_the_interpreter_of_who_made_them(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, launcher: str
) -> None:
    monkeypatch.setenv("WHERRY_LAUNCHER", launcher)

    with engine.containers.run("busybox", ["sleep", "100"], detach=True, network="none") as made:
        status = Path(f"/proc/{made.state.pid}/status").read_text()
        supervisor = status.partition("PPid:")[2].split()[0]
        program = os.statvfs(f"/proc/{supervisor}/exe")

    # CVE-2019-5736: it may execute /proc/self/exe, and then write to that.
    assert program.f_flag & os.ST_RDONLY


def test_logs_wait_stop_and_removal(engine: Engine) -> None:
    script = "trap 'echo bye; exit 7' TERM; echo ready; while :; do sleep 0.1; done"
    made = engine.containers.run("busybox", ["sh", "-c", script], detach=True, network="none")
    pieces = made.follow_logs()
    assert next(pieces) == b"ready\n"

    made.stop()

    assert made.wait() == 7
    assert made.logs(tail=1) == b"bye\n"
    assert made.status is Status.EXITED
    made.remove()
    assert engine.containers.list(all_states=True) == []


def test_files_go_in_and_out_and_the_result_becomes_an_image(
    engine: Engine, tmp_path: Path
) -> None:
    (tmp_path / "note").write_text("hello")
    with engine.containers.create("busybox", ["cat", "/note"], network="none") as made:
        made.copy_in(tmp_path / "note", "/note")
        made.copy_out("/note", tmp_path / "back")
        image = made.commit("noted", changes=["ENV A=b"])

    assert (tmp_path / "back").read_text() == "hello"
    assert engine.containers.run("noted", network="none") == "hello"
    assert str(engine.images.get("noted").id) == image


def test_limits_and_policy_change_by_the_flags_of_update(engine: Engine) -> None:
    with engine.containers.run("busybox", ["sleep", "600"], detach=True, network="none") as made:
        assert made.update(pids_limit=9, cpus=0.5, restart="on-failure:3") == []

        config = made.config
        assert (config.limits.pids_limit, config.limits.nano_cpus) == (9, 500_000_000)
        assert config.restart_policy.maximum_retry_count == 3
        with pytest.raises(InvalidArgument, match="unknown option: name"):
            made.update(name="other")


def test_the_installation_can_be_looked_at_and_checked(engine: Engine) -> None:
    engine.containers.create("busybox", name="made")

    assert engine.system.info()["Containers"] == 1
    assert engine.system.disk_usage().images
    checkup = engine.system.check(rehash=True)
    assert list(engine.system.repair(checkup)) == []
    assert "create" in [event.action for event in engine.system.events(since_ns=0, follow=False)]
