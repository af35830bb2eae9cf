"""Sessions with registries, for as long as one operation takes."""

import os
from collections.abc import Iterator, Set
from contextlib import contextmanager

from wherry.registry.credentials import Credential
from wherry.registry.session import Session
from wherry.registry.settings import RegistrySettings
from wherry.registry.transport import Transport
from wherry.values import replace


@contextmanager
def registry_session(
    transport: Transport | None = None,
    *,
    insecure: Set[str] = frozenset(),
    credential: Credential | None = None,
) -> Iterator[Session]:
    """A session with this user's settings, and `credential` or what the user's file has.

    `insecure` are registries whose certificates are not checked. However the block is left, what
    still waits for the network is woken.
    """
    transport = transport or Transport()
    lookup = None if credential is None else lambda _domain: credential
    session = Session.of(os.environ, transport, lookup)
    registries = dict(session.settings.registries)
    for domain in insecure:
        registries[domain] = replace(registries.get(domain, RegistrySettings()), insecure=True)
    session.settings = replace(session.settings, registries=registries)
    try:
        yield session
    finally:
        transport.cancellation.cancel()
        session.close()
