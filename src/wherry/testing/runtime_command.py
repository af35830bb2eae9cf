"""`wherry-runtime` as a program, for daemons that take the path of an OCI runtime."""

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
