"""The server's half of aiohttp.

Its package begins with loading the client's half, and with that a third of what the service would
hold in memory, and of the time until it listens. So the package's modules are loaded here
without its beginning, where that is possible.
"""

import sys
from contextlib import contextmanager
from importlib.util import find_spec, module_from_spec

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from aiohttp.web_ws import WebSocketResponse

__all__ = (
    "BaseRequest",
    "RequestHandler",
    "Response",
    "Server",
    "StreamResponse",
    "web_socket",
)


@contextmanager
def _without_its_beginning(package: str) -> "Iterator[None]":
    """Have modules of a package loaded as if it began with nothing but its version."""
    spec = None if package in sys.modules else find_spec(package)
    if spec is None:
        yield
        return
    module = module_from_spec(spec)
    module.__dict__["__version__"] = ""  # which it would tell clients, if we did not tell ours
    sys.modules[package] = module
    try:
        yield
    finally:
        del sys.modules[package]


try:
    with _without_its_beginning("aiohttp"):
        from aiohttp.web_protocol import RequestHandler
        from aiohttp.web_request import BaseRequest
        from aiohttp.web_response import Response, StreamResponse
        from aiohttp.web_server import Server
except (AttributeError, ImportError):  # a version whose modules need more of it
    from aiohttp.web import BaseRequest, RequestHandler, Response, Server, StreamResponse


def web_socket() -> "WebSocketResponse":
    """An answer in WebSocket's frames, which few clients ask for."""
    with _without_its_beginning("aiohttp"):
        from aiohttp.web_ws import WebSocketResponse

    return WebSocketResponse(heartbeat=None, compress=False)
