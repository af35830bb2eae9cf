"""Linting beside hadolint: `python -m benchmarks.lint`.

Both check the same files and ask ShellCheck, which takes most of the time of either. The row
without it is ours alone: hadolint has no switch for that.
"""

import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from time import perf_counter

from tests.lint.dockerfiles import dockerfiles

BIN = Path(sys.executable).parent
FILES = 300
SMALL = 'FROM debian:12\nRUN apt-get update && apt-get install -y curl\nCMD ["curl"]\n'


def _time(command: Sequence[str | Path], environ: dict[str, str]) -> float:
    start = perf_counter()
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True, env=environ)
    return (perf_counter() - start) * 1000


def _row(title: str, paths: Sequence[Path], rounds: int) -> None:
    programs: dict[str, tuple[list[str | Path], dict[str, str]]] = {
        "hadolint": ([BIN / "hadolint"], {}),
        "wherry": ([BIN / "wherry", "lint"], {}),
        "wherry, no ShellCheck": ([BIN / "wherry", "lint", "--no-shellcheck"], {}),
    }
    samples: dict[str, list[float]] = {name: [] for name in programs}
    for number in range(rounds + 1):
        for name, (program, environ) in programs.items():
            taken = _time([*program, "--no-fail", *paths], {"PATH": "/usr/bin:/bin", **environ})
            if number:  # the first of each fills the caches
                samples[name].append(taken)
    medians = {name: median(times) for name, times in samples.items()}
    parts = [
        f"{name} {value:.0f} ms ({value / medians['hadolint']:.2f})"
        for name, value in medians.items()
    ]
    print(f"{title:<24}" + "  ".join(parts), flush=True)


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        paths: list[Path] = []
        for number, text in enumerate(dockerfiles(FILES)):
            path = Path(folder) / f"Dockerfile.{number}"
            path.write_text(text)
            paths.append(path)
        small = Path(folder) / "Dockerfile.small"
        small.write_text(SMALL)
        bare = Path(folder) / "Dockerfile.bare"
        bare.write_text('FROM debian:12\nCMD ["true"]\n')
        _row("one file without RUN", [bare], 11)
        _row("one small file", [small], 11)
        _row(f"{FILES} files in one call", paths, 3)


if __name__ == "__main__":
    main()
