"""What Docker's client tells of itself in `version` and `info`; here it is the engine's program."""

import platform

from wherry.engine.documents.version import API_VERSION, go_architecture
from wherry.version import __version__

CLIENT_TYPE = "system.clientVersion"


def client_document() -> dict[str, object]:
    """The client's part of Docker's version document."""
    return {
        "Version": __version__,
        "ApiVersion": API_VERSION,
        "DefaultAPIVersion": API_VERSION,
        "GitCommit": "",
        "GoVersion": "",
        "Os": "linux",
        "Arch": go_architecture(platform.machine()),
        "BuildTime": "",
        "Context": "default",
    }
