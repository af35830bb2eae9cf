"""Sessions with registries, for as long as one operation takes."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from wherry.registry.session import Session
from wherry.registry.transport import Transport


@contextmanager
def registry_session(transport: Transport | None = None) -> Iterator[Session]:
    """A session with this user's settings and credentials.

    However the block is left, what still waits for the network is woken.
    """
    transport = transport or Transport()
    session = Session.of(os.environ, transport)
    try:
        yield session
    finally:
        transport.cancellation.cancel()
        session.close()
