"""One user's dealings with registries: where each is, how it is spoken to, and as whom.

    session = Session(Transport(), settings, credentials)
    repository = session.repository(reference, "pull")

Which scheme an endpoint speaks and what proof it wants is found out once, by asking for `/v2/`.
"""

from collections.abc import Callable, Mapping
from http import HTTPStatus
from threading import Lock

from wherry.oci.reference import Reference
from wherry.registry.challenge import parse_challenges
from wherry.registry.credentials import Credential, CredentialFile, server_of
from wherry.registry.errors import RegistryFailed, Unreachable, status_line
from wherry.registry.settings import Endpoint, Settings, load_settings
from wherry.registry.tokens import Authorizer
from wherry.registry.transport import Answer, Request, Transport
from wherry.values import dataclass, replace

Lookup = Callable[[str], Credential | None]


@dataclass(frozen=True, kw_only=True, slots=True)
class Connected:
    """An endpoint that answers: `base` is its address without a path."""

    base: str
    verify: bool
    authorizer: Authorizer

    @property
    def is_plain(self) -> bool:
        return self.base.startswith("http:")


class Session:
    """Threads may share it."""

    def __init__(self, transport: Transport, settings: Settings, lookup: Lookup) -> None:
        self.transport = transport
        self.settings = settings
        self._lookup = lookup
        self._connected: dict[Endpoint, Connected] = {}
        self._lock = Lock()

    @classmethod
    def of(
        cls,
        environ: Mapping[str, str],
        transport: Transport | None = None,
        lookup: Lookup | None = None,
    ) -> "Session":
        """A session with the machine's settings and, without `lookup`, the user's credentials."""
        file = CredentialFile.of(environ)
        return cls(
            transport or Transport(environ=environ),
            load_settings(environ),
            lookup or (lambda domain: file.get(server_of(domain))),
        )

    def connect(self, endpoint: Endpoint, domain: str) -> Connected:
        """The endpoint, spoken to for the first time if need be; Unreachable if it is not there."""
        with self._lock:
            if endpoint not in self._connected:
                self._connected[endpoint] = self._connect(endpoint, domain)
            return self._connected[endpoint]

    def endpoints(self, reference: Reference, *, with_mirrors: bool = True) -> list[Endpoint]:
        return self.settings.endpoints(reference.domain, with_mirrors=with_mirrors)

    def close(self) -> None:
        self.transport.close()

    def _connect(self, endpoint: Endpoint, domain: str) -> Connected:
        failure: Unreachable | None = None
        for scheme in endpoint.schemes:
            base = f"{scheme}://{endpoint.host}"
            request = Request(method="GET", url=f"{base}/v2/", verify=endpoint.verify)
            try:
                # Where another scheme is left to try, that is the next try.
                attempts = 1 if scheme != endpoint.schemes[-1] else None
                answer = self.transport.send(request, attempts=attempts)
            except Unreachable as error:
                failure = error
                continue
            if failure is not None and answer.status == HTTPStatus.BAD_REQUEST:
                answer.close()  # a server of HTTPS after all: what it had against us counts
                raise failure
            challenges = parse_challenges(answer.headers.getlist("WWW-Authenticate"))
            if answer.status >= 500:
                answer.close()
                text = f"received unexpected HTTP status: {status_line(answer.status)}"
                raise RegistryFailed(text)
            answer.error_text()  # read to its end, the connection serves again
            # Of a mirror nobody has credentials unless they are kept under its own name.
            authorizer = Authorizer(
                self.transport,
                self._lookup(endpoint.host if endpoint.is_mirror else domain),
                verify=endpoint.verify,
                plain=scheme == "http",
            )
            authorizer.take(challenges)
            return Connected(base=base, verify=endpoint.verify, authorizer=authorizer)
        assert failure is not None
        raise failure

    def send(
        self,
        connected: Connected,
        request: Request,
        scopes: tuple[str, ...],
        *,
        reconnect: bool = True,
    ) -> Answer:
        """The answer to `request`, proven by what the registry asks for; never a first 401."""
        authorizer = connected.authorizer
        for fresh in (False, True):
            header = authorizer.header(scopes, request.named, fresh=fresh)
            answer = self.transport.send(_authorized(request, header), reconnect=reconnect)
            if answer.status != 401 or fresh:
                return answer
            challenges = parse_challenges(answer.headers.getlist("WWW-Authenticate"))
            if not challenges or header.startswith("Basic") or request.is_spent:
                return answer
            answer.close()
            authorizer.take(challenges)
        raise AssertionError("unreachable")


def _authorized(request: Request, header: str) -> Request:
    if not header:
        return request
    return replace(request, headers={**request.headers, "Authorization": header})
