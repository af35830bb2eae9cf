"""What engines that take an OCI runtime need: its program, and a root filesystem."""

import shutil
import subprocess
import sys
from pathlib import Path

import wherry


def write_runtime_command(folder: Path) -> Path:
    """A program in `folder` that runs this source's runtime with this interpreter."""
    program = folder / "wherry-runtime"
    source = Path(wherry.__file__).parent.parent
    program.write_text(
        f'#!/bin/sh\nPYTHONPATH="{source}" exec "{sys.executable}" -m wherry.runtime "$@"\n'
    )
    program.chmod(0o755)
    return program


def busybox_root(folder: Path) -> None:
    """Make `folder` a root filesystem of the machine's static busybox."""
    for name in ("bin", "dev", "etc", "proc", "root", "sys", "tmp"):
        (folder / name).mkdir(parents=True)
    (folder / "tmp").chmod(0o1777)
    shutil.copy("/bin/busybox", folder / "bin")
    subprocess.run(["chroot", folder, "/bin/busybox", "--install", "-s", "/bin"], check=True)
    (folder / "etc/passwd").write_text("root:x:0:0:root:/root:/bin/sh\n")
    (folder / "etc/group").write_text("root:x:0:\n")
