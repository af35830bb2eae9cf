"""Sessions: connections on which clients answer for their files, secrets and credentials.

X-Docker-Expose-Session-Uuid          its ID, which builds name
X-Docker-Expose-Session-Sharedkey     the context's name among all of its machine
X-Docker-Expose-Session-Grpc-Method   what it answers; one header for each
"""

import asyncio
from collections.abc import Mapping

from wherry.api.buildkit.grpc import Outgoing, ask, call
from wherry.api.buildkit.http2 import Connection, Headers
from wherry.errors import Conflict, InvalidArgument, Unavailable, Unsupported

_PATIENCE = 20.0  # seconds that a build waits for its session
_MOST = 1024


class NoSuchSession(Unavailable):
    def __init__(self, session_id: str) -> None:
        super().__init__(f"no active session for {session_id}")


class SessionExists(Conflict):
    def __init__(self, session_id: str) -> None:
        super().__init__(f"session {session_id} already exists")


class NotInSession(Unsupported):
    def __init__(self, path: str) -> None:
        super().__init__(f"method {path} not supported by the client")


class Session:
    """One client's, while it is connected."""

    def __init__(
        self, session_id: str, shared_key: str, methods: frozenset[str], connection: Connection
    ) -> None:
        self.id = session_id
        self.shared_key = shared_key
        self._methods = methods
        self.connection = connection

    def answers(self, path: str) -> bool:
        return path.lower() in self._methods

    async def ask(self, path: str, request: bytes) -> bytes:
        """The client's answer to one message."""
        self._check(path)
        return await ask(self.connection, path, request)

    async def call(self, path: str, metadata: Headers = ()) -> Outgoing:
        """A call with messages in both directions."""
        self._check(path)
        return await call(self.connection, path, metadata)

    def _check(self, path: str) -> None:
        if not self.answers(path):
            raise NotInSession(path)


class Sessions:
    """Those of one service. To be used in the event loop alone."""

    def __init__(self) -> None:
        self._sessions: dict[str, Session] = {}
        self._changed = asyncio.Condition()

    async def serve(self, session: Session, descriptor: int, early: bytes) -> None:
        """Keep the session until its connection, which this takes over, ends."""
        self._sessions.setdefault(session.id, session)
        async with self._changed:
            self._changed.notify_all()
        try:
            await session.connection.run(descriptor, early)
        finally:
            if self._sessions.get(session.id) is session:
                del self._sessions[session.id]

    async def find(self, session_id: str) -> Session:
        """The session; builds and their sessions come on different connections."""
        session_id = session_id.rpartition(":")[2]
        try:
            async with asyncio.timeout(_PATIENCE), self._changed:
                await self._changed.wait_for(lambda: session_id in self._sessions)
                return self._sessions[session_id]
        except TimeoutError:
            raise NoSuchSession(session_id) from None

    def offered(self, headers: Mapping[str, str], methods: list[str]) -> Session:
        """The session that a request's headers describe."""
        session_id = headers.get("X-Docker-Expose-Session-Uuid", "")
        if not session_id:
            raise InvalidArgument("no session ID in request")
        if session_id in self._sessions:  # nobody takes another's place
            raise SessionExists(session_id)
        if len(self._sessions) >= _MOST:
            raise Unavailable(f"more than {_MOST} sessions are open")
        return Session(
            session_id,
            headers.get("X-Docker-Expose-Session-Sharedkey", ""),
            frozenset(method.lower() for method in methods),
            Connection(client=True),
        )
