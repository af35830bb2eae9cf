"""Taking a connection away from HTTP: attach and exec speak their own protocol on it.

The descriptor of a connection leaves this process: it is sent to the shim, which serves the client
from then on. No byte of a container's streams goes through the service, a slow client holds nobody
up here, and the service may be restarted under running attachments. Of a client over TLS it is the
connection behind that, see `tls`.
"""

import asyncio
import os
from collections.abc import Coroutine

from wherry.api import web
from wherry.api.call import Call

RAW = "application/vnd.docker.raw-stream"
MULTIPLEXED = "application/vnd.docker.multiplexed-stream"


class Hijacked:
    """A connection after its answer's head. It is ours to hand over or to close."""

    def __init__(self, descriptor: int, early: bytes) -> None:
        self.descriptor = descriptor
        self.early = early  # what the client has sent already

    def close(self) -> None:
        if self.descriptor >= 0:
            os.close(self.descriptor)
            self.descriptor = -1

    def write(self, data: bytes) -> None:
        """Send a few bytes of the service's own; what does not fit at once is lost."""
        os.set_blocking(self.descriptor, False)
        try:
            os.write(self.descriptor, data)
        except OSError:
            return


async def hijack(call: Call, *, tty: bool) -> Hijacked:
    """Answer that the connection is hijacked, and take it."""
    transport = call.http.transport
    if transport is None:
        raise ConnectionResetError
    transport.write(_head(call, tty=tty))
    while transport.get_write_buffer_size():
        await call.http.writer.drain()
    transport.pause_reading()
    protocol = call.http.protocol
    early = bytes(getattr(protocol, "_message_tail", b""))
    descriptor = os.dup(transport.get_extra_info("socket").fileno())
    # The connection lives on by the new descriptor; HTTP lets go of its own.
    transport.abort()
    return Hijacked(descriptor, early)


def _head(call: Call, *, tty: bool) -> bytes:
    kind = MULTIPLEXED if call.speaks("1.42") and not tty else RAW
    if call.http.headers.get("Upgrade"):
        lines = [
            "HTTP/1.1 101 UPGRADED",
            f"Content-Type: {kind}",
            "Connection: Upgrade",
            "Upgrade: tcp",
        ]
    else:
        lines = ["HTTP/1.1 200 OK", f"Content-Type: {kind}"]
    return "".join(f"{line}\r\n" for line in [*lines, ""]).encode()


async def go_on(call: Call, rest: Coroutine[None, None, None]) -> web.StreamResponse:
    """End the request, whose connection has been taken away, and do the `rest` without it."""
    # HTTP takes its connection's end for the client's going, and cancels what works for it.
    call.service.spawn(rest)
    raise asyncio.CancelledError
