"""The service as a process: who may reach it, and what its end means."""

import os
import socket
import stat
import subprocess
from pathlib import Path

import pytest

from tests.api.wire import Wire, ask
from wherry.testing.command import Wherry
from wherry.testing.service import end_service, start_service
from wherry.testing.waiting import eventually


def test_the_socket_is_its_owner_s_and_a_group_s(wherry: Wherry, tmp_path: Path) -> None:
    service = start_service(wherry, tmp_path / "sock", "--group", "1234")
    found = service.socket.stat()
    assert (stat.S_IMODE(found.st_mode), found.st_gid) == (0o660, 1234)

    second = wherry("serve", "-H", service.address, check=False)
    assert "another service answers" in second.stderr

    end_service(service)
    assert not service.socket.exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("-H", "tcp://127.0.0.1:1"), "would give everyone who reaches it this machine"),
        (("-H", "tcp://127.0.0.1:1", "--tlsverify"), "--tlsverify needs --tlscacert"),
        (("-H", "/run/x.sock"), "invalid address"),
        (("-H", "fd://"), "was not given any sockets"),
    ],
)
def test_what_would_be_unsafe_or_senseless_is_refused(
    wherry: Wherry, words: tuple[str, ...], message: str
) -> None:
    result = wherry("serve", *words, check=False)
    assert result.returncode == 1
    assert message in result.stderr


def test_a_socket_may_be_passed_on(wherry: Wherry, tmp_path: Path) -> None:
    with subprocess.Popen(
        [
            *("systemd-socket-activate", "-l", str(tmp_path / "sock")),
            *(f"-E{name}" for name in ("WHERRY_ROOT", "WHERRY_RUN", "PYTHONPATH")),
            *wherry.command("serve", "-H", "fd://"),
        ],
        env=wherry.environment,
        stderr=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    ) as process:
        eventually((tmp_path / "sock").exists, what="it listens")
        assert ask(tmp_path / "sock", "GET", "/_ping").body == b"OK"
        process.terminate()


def test_attached_clients_and_execs_outlive_the_service(wherry: Wherry, tmp_path: Path) -> None:
    service = start_service(wherry, tmp_path / "sock")
    name = wherry("run", "-d", "-i", "busybox", "cat").stdout.strip()
    with Wire(service.socket) as wire:
        wire.send(
            "POST",
            f"/containers/{name}/attach?stream=1&stdin=1&stdout=1",
            Connection="Upgrade",
            Upgrade="tcp",
        )
        assert wire.head()[0] == 101
        wire.socket.sendall(b"once\n")
        assert wire.take(8 + 5)[8:] == b"once\n"
        os.kill(service.process.pid, 9)
        service.process.wait()

        wire.socket.sendall(b"still there\n")
        assert wire.take(8 + 12)[8:] == b"still there\n"
    service = start_service(wherry, tmp_path / "sock")
    assert ask(service.socket, "GET", f"/containers/{name}/json").json()["State"]["Running"]
    end_service(service)


def certificates(folder: Path) -> None:
    """An authority, and certificates it has signed for a service and for a client."""
    script = """
    new() { openssl req -newkey rsa:2048 -nodes -keyout $1-key.pem -out $1.csr -subj /CN=$1; }
    openssl req -x509 -newkey rsa:2048 -nodes -keyout ca-key.pem -out ca.pem -subj /CN=ca
    echo subjectAltName=IP:127.0.0.1 > names
    for name in service client; do
        new $name
        openssl x509 -req -in $name.csr -CA ca.pem -CAkey ca-key.pem -CAcreateserial -days 2 \\
            -out $name.pem -extfile names
    done
    """
    subprocess.run(["sh", "-ec", script], cwd=folder, check=True, capture_output=True)


@pytest.mark.needs("docker")
def test_over_tls_only_who_has_a_certificate_is_let_in(wherry: Wherry, tmp_path: Path) -> None:
    certificates(tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    service = start_service(
        wherry,
        tmp_path / "sock",
        *("-H", f"tcp://127.0.0.1:{port}", "--tlsverify", "--tlscacert", f"{tmp_path}/ca.pem"),
        *("--tlscert", f"{tmp_path}/service.pem", "--tlskey", f"{tmp_path}/service-key.pem"),
    )
    client = ["docker", "-H", f"tcp://127.0.0.1:{port}", "--tlsverify"]
    client += ["--tlscacert", f"{tmp_path}/ca.pem"]
    mine = [f"--tlscert={tmp_path}/client.pem", f"--tlskey={tmp_path}/client-key.pem"]
    words = ["run", "--rm", "busybox", "echo", "over", "tls"]

    allowed = subprocess.run([*client, *mine, *words], capture_output=True, check=False, timeout=30)
    refused = subprocess.run([*client, "version"], capture_output=True, check=False, timeout=30)

    assert (allowed.returncode, allowed.stdout) == (0, b"over tls\n")
    assert refused.returncode != 0
    end_service(service)


def test_a_client_that_does_not_read_holds_nobody_up(wherry: Wherry, tmp_path: Path) -> None:
    service = start_service(wherry, tmp_path / "sock")
    name = wherry("run", "-d", "busybox", "sh", "-c", "yes | head -c 30000000").stdout.strip()
    wherry("wait", name)
    slow = [Wire(service.socket) for _ in range(40)]
    for wire in slow:
        wire.send("GET", f"/containers/{name}/logs?stdout=1")

    assert ask(service.socket, "GET", "/_ping").status == 200
    assert ask(service.socket, "GET", f"/containers/{name}/json").status == 200

    for wire in slow:
        wire.socket.close()
    end_service(service)
