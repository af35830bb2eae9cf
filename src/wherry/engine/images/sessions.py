"""Sessions with registries, for as long as one operation takes."""

import os
from collections.abc import Iterator, Set
from contextlib import contextmanager
from dataclasses import replace

from wherry.registry.session import Session
from wherry.registry.settings import RegistrySettings
from wherry.registry.transport import Transport


@contextmanager
def registry_session(
    transport: Transport | None = None, *, insecure: Set[str] = frozenset()
) -> Iterator[Session]:
    """A session with this user's settings and credentials; `insecure` are registries to trust.

    However the block is left, what still waits for the network is woken.
    """
    transport = transport or Transport()
    session = Session.of(os.environ, transport)
    registries = dict(session.settings.registries)
    for domain in insecure:
        registries[domain] = replace(registries.get(domain, RegistrySettings()), insecure=True)
    session.settings = replace(session.settings, registries=registries)
    try:
        yield session
    finally:
        transport.cancellation.cancel()
        session.close()
