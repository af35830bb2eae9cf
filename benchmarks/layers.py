"""Unpacking and packing a layer beside GNU tar: `python benchmarks/layers.py LAYER.tar [FOLDER]`.

Wherry's times include the diff ID; GNU tar's do not. FOLDER (default /dev/shm) is where the files
go: on a disk, what is measured is mostly the disk.
"""

import hashlib
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from statistics import median
from time import perf_counter

from wherry.linux.files import remove_tree
from wherry.store.blobs import read_chunks
from wherry.store.diff import layer_tar
from wherry.store.unpack import unpack_layer

ROUNDS = 5


def measure(name: str, base: Path, work: Callable[[Path], object]) -> float:
    """The median time of `work` on a fresh folder, printed."""
    times = []
    for _ in range(ROUNDS):
        target = Path(tempfile.mkdtemp(prefix="wherry-layers-", dir=base))
        try:
            start = perf_counter()
            work(target)
            times.append(perf_counter() - start)
        finally:
            remove_tree(target)
    print(f"{name:24} {median(times):.3f} s")
    return median(times)


def pack(folder: Path) -> str:
    digest = hashlib.sha256()
    for chunk in layer_tar(folder):
        digest.update(chunk)
    return digest.hexdigest()


def gnu_unpack(archive: Path, target: Path) -> None:
    words = ["tar", "-C", str(target), "--xattrs", "--xattrs-include=*", "-p", "--numeric-owner"]
    subprocess.run([*words, "-xf", str(archive)], check=True)


def main() -> None:
    archive = Path(sys.argv[1])
    base = Path(sys.argv[2] if len(sys.argv) > 2 else "/dev/shm")
    ours = measure(
        "wherry unpack",
        base,
        lambda to: unpack_layer(read_chunks(archive.open("rb", buffering=0)), to),
    )
    theirs = measure("GNU tar unpack", base, lambda to: gnu_unpack(archive, to))
    print(f"{'ratio':24} {ours / theirs:.2f}")
    with tempfile.TemporaryDirectory(prefix="wherry-layers-", dir=base) as name:
        unpack_layer(read_chunks(archive.open("rb", buffering=0)), name)
        ours = measure("wherry pack and hash", base, lambda _to: pack(Path(name)))
        command = f"tar -C '{name}' --sort=name -c . | sha256sum"
        theirs = measure(
            "GNU tar | sha256sum",
            base,
            lambda _to: subprocess.run(command, shell=True, check=True, capture_output=True),
        )
        print(f"{'ratio':24} {ours / theirs:.2f}")


if __name__ == "__main__":
    main()
