"""What every answer carries."""

from wherry.engine.documents.version import API_VERSION
from wherry.version import __version__

COMMON = {
    "Api-Version": API_VERSION,
    "Docker-Experimental": "false",
    "Ostype": "linux",
    "Server": f"Wherry/{__version__} (linux)",
}
JSON = {"Content-Type": "application/json"}
