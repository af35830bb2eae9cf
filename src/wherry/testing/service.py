"""A service of a test's own: `wherry serve` on an installation."""

import subprocess
from pathlib import Path

from wherry.testing.command import Wherry
from wherry.testing.waiting import eventually
from wherry.values import dataclass


@dataclass(frozen=True, slots=True)
class RunningService:
    """`wherry serve`, and where it listens."""

    process: "subprocess.Popen[bytes]"
    socket: Path
    log: Path

    @property
    def address(self) -> str:
        return f"unix://{self.socket}"


def start_service(wherry: Wherry, path: Path, *options: str) -> RunningService:
    """A service that listens at `path`; not among the folders that are looked through later."""
    log = path.with_suffix(".log")
    with log.open("wb") as file:
        process = subprocess.Popen(
            wherry.command("serve", "-H", f"unix://{path}", *options),
            env=wherry.environment,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=file,
        )
    service = RunningService(process, path, log)
    eventually(lambda: b"listening" in log.read_bytes(), what="the service listens")
    return service


def end_service(service: RunningService) -> None:
    service.process.terminate()
    assert service.process.wait(20) == 0
    text = service.log.read_text()
    service.log.unlink()
    assert "Traceback" not in text, text
