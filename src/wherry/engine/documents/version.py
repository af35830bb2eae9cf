"""Docker's version document, GET /version."""

import os
import platform

from wherry.version import __version__

API_VERSION = "1.50"
MINIMUM_API_VERSION = "1.24"


def version_document() -> dict[str, object]:
    """Versions of the engine and of the machine it runs on."""
    machine = os.uname()
    details = {
        "ApiVersion": API_VERSION,
        "Arch": go_architecture(machine.machine),
        "KernelVersion": machine.release,
        "MinAPIVersion": MINIMUM_API_VERSION,
        "Os": "linux",
        "PythonVersion": platform.python_version(),
        # Clients print these from here.
        "Experimental": "false",
        "GitCommit": "",
        "GoVersion": "",
        "BuildTime": "",
    }
    return {
        "Platform": {"Name": "Wherry"},
        "Components": [{"Name": "Engine", "Version": __version__, "Details": details}],
        "Version": __version__,
        "ApiVersion": API_VERSION,
        "MinAPIVersion": MINIMUM_API_VERSION,
        "GitCommit": "",
        "GoVersion": "",
        "PythonVersion": platform.python_version(),
        "Os": "linux",
        "Arch": go_architecture(machine.machine),
        "KernelVersion": machine.release,
    }


def go_architecture(machine: str) -> str:
    """The name that images and Docker give to the machine that uname(2) calls `machine`."""
    return {"x86_64": "amd64", "aarch64": "arm64", "armv7l": "arm", "i686": "386"}.get(
        machine, machine
    )
