"""Wherry from Python: output of a program, a service for the length of a block, files and limits.

Run as root, with an image at hand: `wherry bootstrap busybox`.
"""

import tempfile
from pathlib import Path

from wherry import Engine
from wherry.engine.containers.handle import ContainerFailed

IMAGE = "busybox"


def main() -> None:
    engine = Engine()

    # A program, its output, and nothing left of it.
    print(engine.containers.run(IMAGE, ["echo", "hello from a container"]), end="")
    print(engine.containers.run(IMAGE, ["sort"], stdin=b"pear\napple\n"), end="")

    # A program that fails says so.
    try:
        engine.containers.run(IMAGE, ["sh", "-c", "echo no such thing >&2; exit 3"])
    except ContainerFailed as error:
        print(f"failed with code {error.exit_status}: {error.stderr.decode().strip()}")

    # Options are the long flags of `wherry run`, in Python's own values.
    with tempfile.TemporaryDirectory() as folder:
        engine.containers.run(
            IMAGE,
            ["sh", "-c", "echo $GREETING > /out/greeting"],
            env={"GREETING": "good morning"},
            volume={folder: "/out"},
            memory="64m",
            network="none",
        )
        print(Path(folder, "greeting").read_text(), end="")

    # A service for the length of a block. It is gone behind it, also when this process is killed.
    with engine.containers.run(
        IMAGE, ["httpd", "-f", "-p", "80", "-h", "/"], detach=True, publish=80
    ) as server:
        port = server.ports[0]
        print(f"{server.name} listens on {port.host_ip}:{port.host_port}")
        print(server.exec(["ps", "-o", "pid,args"]).output, end="")

    assert server.id not in {container.id for container in engine.containers.list(all_states=True)}


if __name__ == "__main__":
    main()
