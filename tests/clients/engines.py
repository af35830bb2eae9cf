"""An engine that clients' own tests can be pointed at: images under the names they ask for.

    python -m tests.clients.engines wherry|docker PROGRAM ARGUMENT...

runs a program with DOCKER_HOST at the engine, in a network namespace of its own. Docker Hub is
played by a registry in it, which both engines have for a mirror; it holds busybox as `busybox`,
`alpine` and `hello-world`, so what a test expects of these images beyond that it cannot find.
"""

import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

from wherry.testing.command import Wherry
from wherry.testing.dockerd import Dockerd
from wherry.testing.registries import DockerRegistry
from wherry.testing.waiting import eventually

ENGINES = ("wherry", "docker")
BUSYBOX = "busybox:latest"
TCP = "tcp://127.0.0.1:2375"  # in the namespace; for programs that know no other sockets
OTHERS = ("alpine:latest", "alpine:3.10", "hello-world:latest")


def run_at(engine: str, program: list[str]) -> int:
    """Run the program as said above; its exit status."""
    command = [sys.executable, "-m", "tests.clients.engines", engine, *program]
    isolated = ["unshare", "--net", "--mount", *command]
    return subprocess.run(isolated, stdin=subprocess.DEVNULL, check=False).returncode


@contextmanager
def docker_engine(mirror: str) -> Iterator[Mapping[str, str]]:
    with Dockerd(f"--registry-mirror=http://{mirror}", own_network=False) as daemon:
        daemon.import_busybox()
        yield daemon.environment


@contextmanager
def wherry_engine(mirror: str) -> Iterator[Mapping[str, str]]:
    with tempfile.TemporaryDirectory(
        prefix="wherry-clients-", dir="/var/tmp", ignore_cleanup_errors=True
    ) as name:
        base = Path(name)
        settings = base / "home" / ".config" / "wherry" / "config.toml"
        settings.parent.mkdir(parents=True)
        settings.write_text(f'[registry."docker.io"]\nmirrors = ["http://{mirror}"]\n')
        wherry = Wherry(base / "root", base / "run")
        wherry.environment["HOME"] = str(base / "home")
        wherry("bootstrap", "busybox")
        address = f"unix://{base}/docker.sock"
        with (base / "log").open("wb") as log:
            command = wherry.command("serve", "-H", address, "-H", TCP, "--insecure-tcp")
            service = subprocess.Popen(command, env=wherry.environment, stdout=log, stderr=log)
        try:
            eventually(lambda: b"listening" in (base / "log").read_bytes(), what="it listens")
            yield {**wherry.environment, "DOCKER_HOST": address}
        finally:
            service.terminate()
            service.wait()
            sys.stderr.write((base / "log").read_text())
            wherry.remove_everything()
            wherry("system", "launcher", "stop")


def fill(environment: Mapping[str, str], mirror: str) -> None:
    """Put the images into the engine and into the registry."""

    def docker(*words: str, stdin: bytes = b"") -> None:
        subprocess.run(["docker", *words], env=environment, input=stdin, check=True, stdout=-3)

    for name in OTHERS:  # with something of its own, so that pruning one frees something
        says = f"FROM {BUSYBOX}\nRUN echo {name} > /etc/image\nCMD echo Hello from Docker!\n"
        command = "" if name.startswith("hello") else 'CMD ["sh"]\n'
        docker("build", "-q", "-t", name, "-", stdin=(says + command).encode())
    for name in (BUSYBOX, *OTHERS):
        there = f"{mirror}/library/{name}"
        docker("tag", name, there)
        docker("push", there)
        docker("rmi", there)
    for name in OTHERS:  # pulled, so that nothing but its name holds on to what it has
        docker("rmi", name)
    docker("builder", "prune", "-a", "-f")
    for name in OTHERS:
        docker("pull", name)


def main() -> int:
    engine, *program = sys.argv[1:]
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    with ExitStack() as undo:
        registry = undo.enter_context(DockerRegistry())
        made = wherry_engine if engine == "wherry" else docker_engine
        environment = undo.enter_context(made(registry.host))
        fill(environment, registry.host)
        # Whoever runs this has credentials and contexts of no concern to it.
        config = undo.enter_context(tempfile.TemporaryDirectory(prefix="docker-config-"))
        environment = {**environment, "DOCKER_CONFIG": config, "HOME": config}
        return subprocess.run(program, env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
