"""BuildKit's part of a service: sessions and builds, and the connections that speak of them."""

from wherry.api.buildkit.control import Control
from wherry.api.buildkit.grpc import Methods
from wherry.api.buildkit.http2 import Connection
from wherry.api.buildkit.jobs import Jobs
from wherry.api.buildkit.session import Session, Sessions
from wherry.api.buildkit.solve import Solver
from wherry.api.hijack import Hijacked
from wherry.api.service import Service


class Builder:
    """Made with the first request that needs it. To be used in the event loop alone."""

    def __init__(self, service: Service) -> None:
        self.jobs = Jobs()
        self.sessions = Sessions()
        self.solver = Solver(service, self.sessions)
        self._methods = Methods(Control(service, self.jobs, self.solver).methods)

    async def serve_calls(self, connection: Hijacked) -> None:
        """Answer calls on a connection that has become HTTP/2, until it ends."""
        serving = Connection(client=False, answer=self._methods.answer)
        await serving.run(connection.descriptor, connection.early)

    async def serve_session(self, connection: Hijacked, session: Session) -> None:
        """Keep a session until the connection that offers it ends."""
        await self.sessions.serve(session, connection.descriptor, connection.early)


def builder_of(service: Service) -> Builder:
    """The builder of a service, made if there is none yet."""
    if service.builder is None:
        service.builder = Builder(service)
    return service.builder
