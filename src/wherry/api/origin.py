"""Web pages are no clients: what a browser sends on behalf of another site is refused.

A browser reaches a port without TLS (of `--insecure-tcp`, on this machine too) for any page that it
shows, and sends forms and WebSockets there without asking. It says in `Origin` whose page it was.
Sockets of the filesystem and ports that ask for certificates are not looked at: what comes there
through a proxy, such as a web interface's, may carry its user's Origin.
"""

import socket

from wherry.api import web
from wherry.errors import PermissionDenied


class StrangeOrigin(PermissionDenied):
    def __init__(self, origin: str) -> None:
        super().__init__(f"requests of web pages are refused, and this one is of {origin!r}")


def refuse_strange_origin(http: web.BaseRequest) -> None:
    """Raise StrangeOrigin for a request of another site's page."""
    origin = http.headers.get("Origin")
    if origin is None or http.transport is None:
        return
    family = http.transport.get_extra_info("socket").family
    if family == socket.AF_UNIX:  # TLS too is behind one, see `tls`
        return
    # Libraries for WebSockets name the service itself, as a page of its own would.
    if origin.partition("://")[2] != http.headers.get("Host"):
        raise StrangeOrigin(origin)
