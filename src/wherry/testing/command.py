"""The command line, run by a test as a user runs it."""

import os
import subprocess
import sys
from pathlib import Path

import wherry
from wherry.testing.traces import column

SOURCE = Path(wherry.__file__).parent.parent
_NAMES = "SELECT name FROM tags"
_IMAGES = "SELECT id FROM images"
_NETWORKS = "SELECT name FROM networks WHERE name NOT IN ('bridge', 'host', 'none')"


class Wherry:
    """The command, run as users run it, on folders of its own."""

    def __init__(self, root: Path, run: Path) -> None:
        self.root = root
        self.run_folder = run
        self.environment = {
            name: value for name, value in os.environ.items() if not name.startswith("WHERRY")
        } | {
            "WHERRY_ROOT": str(root),
            "WHERRY_RUN": str(run),
            "PYTHONPATH": str(SOURCE),  # the same sources as the caller's
        }

    def command(self, *words: str) -> list[str]:
        return [sys.executable, "-m", "wherry", *words]

    def __call__(
        self,
        *words: str,
        check: bool = True,
        stdin: bytes | None = None,
        timeout: float = 60,
        **environment: str,
    ) -> subprocess.CompletedProcess[str]:
        """Run `wherry` with `words`; output as text, an AssertionError if it fails unexpectedly."""
        result = subprocess.run(
            self.command(*words),
            env=self.environment | environment,
            input=stdin,
            stdin=subprocess.DEVNULL if stdin is None else None,
            capture_output=True,
            check=False,
            timeout=timeout,
        )
        answer = subprocess.CompletedProcess(
            result.args,
            result.returncode,
            result.stdout.decode(errors="surrogateescape"),
            result.stderr.decode(errors="surrogateescape"),
        )
        if check and answer.returncode != 0:
            raise AssertionError(
                f"wherry {' '.join(words)}: exit {answer.returncode}\n"
                f"{answer.stdout}\n{answer.stderr}"
            )
        return answer

    def start(self, *words: str) -> "subprocess.Popen[bytes]":
        """Run `wherry` with `words` and pipes, without waiting for it."""
        return subprocess.Popen(
            self.command(*words),
            env=self.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def images(self) -> dict[str, str]:
        """The images by their names; those without one by their IDs."""
        form = "{{.ID}} {{.Repository}}:{{.Tag}}"
        lines = self("images", "-a", "--no-trunc", "--format", form).stdout.splitlines()
        named = (line.split(" ", 1) for line in lines)
        return {(image if "<" in name else name): image for image, name in named}

    # What is there is asked of the database: it is done after each test, and commands take longer.

    def known_images(self) -> set[str]:
        """The images, and the names that they have."""
        return column(self.root, _NAMES) | column(self.root, _IMAGES)

    def remove_images_since(self, before: set[str]) -> None:
        """Remove the images that a test has made or named."""
        for query in (_NAMES, _IMAGES):
            if new := column(self.root, query) - before:
                self("rmi", "-f", *new)

    def remove_everything(self) -> None:
        if containers := column(self.root, "SELECT id FROM containers"):
            self("rm", "-f", "-v", *containers)
        if volumes := column(self.root, "SELECT name FROM volumes"):
            self("volume", "rm", "-f", *volumes)
        if networks := column(self.root, _NETWORKS):
            self("network", "rm", *networks)
