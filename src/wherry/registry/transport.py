"""HTTP to registries: pooled connections, TLS and proxies per host, redirects, tries, bounds.

urllib3 speaks HTTP and keeps connections; what is a matter of trust is decided here. Of an answer
only the head has been read when `send` returns. A redirect is followed for GET and HEAD, at most
`_REDIRECTS` times, without credentials once the origin changes, and never from HTTPS to HTTP.
"""

import os
import time
from collections.abc import Iterator, Mapping
from email.utils import parsedate_to_datetime
from pathlib import Path
from threading import Lock
from typing import BinaryIO
from urllib.parse import urljoin, urlsplit

import urllib3
from urllib3.exceptions import HTTPError, InsecureRequestWarning, NewConnectionError
from urllib3.exceptions import SSLError as WrappedSSLError

from wherry.errors import WherryError
from wherry.registry.certificates import certificate_folders, tls_context
from wherry.registry.errors import InvalidAnswer, NotTLS, TooSlow, Unreachable
from wherry.registry.failures import problem_of
from wherry.registry.patience import Cancellation, Patience
from wherry.registry.proxies import proxy_for
from wherry.values import dataclass, field, replace
from wherry.version import __version__

USER_AGENT = f"wherry/{__version__}"
DOCUMENT_LIMIT = 4 << 20  # bytes of a manifest, the registries' own bound
ERROR_LIMIT = 64 << 10
PIECE = 1 << 17
_REDIRECTS = 10
_REDIRECTED = frozenset({301, 302, 303, 307, 308})
_LATER = frozenset({429, 500, 502, 503, 504})
_CONNECTIONS = 10  # kept open to one host; more are made where needed

# Verification is off only where the user said so, and saying it again on every request helps none.
urllib3.disable_warnings(InsecureRequestWarning)


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | BinaryIO | None = None
    verify: bool = True
    may_downgrade: bool = False  # a registry that is insecure may send us to plain HTTP

    @property
    def named(self) -> str:
        """The request as Go words it in errors: `Get "https://host/v2/"`."""
        return f'{self.method.capitalize()} "{self.url}"'

    @property
    def is_spent(self) -> bool:
        """Whether sending it has used its body up."""
        return self.body is not None and not isinstance(self.body, bytes)


class Answer:
    """A response whose body is still on its way. Closing it early drops the connection."""

    def __init__(
        self,
        request: Request,
        response: urllib3.BaseHTTPResponse,
        patience: Patience,
        cancellation: Cancellation,
    ) -> None:
        self.request = request
        self.status = response.status
        self.headers = response.headers
        self._response = response
        self._patience = patience
        self._cancellation = cancellation
        cancellation.watch(self)

    def chunks(self) -> Iterator[bytes]:
        """The body as it comes; Unreachable when it stops before its end, or nearly stands."""
        begun = time.monotonic()
        count = 0
        try:
            while True:
                self._cancellation.check()
                # read1 hands over what is there: progress is seen, and a slow line not waited for.
                piece = self._response.read1(PIECE)
                if not piece:
                    break
                count += len(piece)
                if count >= self._patience.least:
                    begun, count = time.monotonic(), 0
                elif time.monotonic() - begun > self._patience.window:
                    seconds = time.monotonic() - begun
                    raise TooSlow(self.request.named, count, seconds)
                yield piece
            self._cancellation.check()  # being called off looks like the end
        except (HTTPError, OSError) as error:
            self._cancellation.check()
            raise Unreachable(self.request.named, problem_of(error)) from error
        finally:
            self.close()

    def read(self, limit: int = DOCUMENT_LIMIT) -> bytes:
        """The whole body, InvalidAnswer if it is longer than `limit` or takes too long."""
        deadline = time.monotonic() + self._patience.document
        pieces = []
        size = 0
        for piece in self.chunks():
            size += len(piece)
            if size > limit:
                raise InvalidAnswer(f"{self.request.named}: answer is larger than {limit} bytes")
            if time.monotonic() > deadline:
                raise Unreachable(self.request.named, "context deadline exceeded")
            pieces.append(piece)
        return b"".join(pieces)

    def error_text(self) -> bytes:
        """As much of an error's body as is worth reading; empty if it breaks off."""
        try:
            return self.read(ERROR_LIMIT)
        except WherryError:
            self._cancellation.check()
            return b""

    def shutdown(self) -> None:
        """Wake a thread that waits for this body."""
        try:
            self._response.shutdown()
        except (ValueError, RuntimeError, OSError):
            return  # its last byte has come

    def close(self) -> None:
        self._cancellation.forget(self)
        self._response.close()


class Transport:
    """Connections of one user to any registries. Threads may share it."""

    def __init__(
        self,
        *,
        patience: Patience | None = None,
        cancellation: Cancellation | None = None,
        environ: Mapping[str, str] | None = None,
        folders: tuple[Path, ...] | None = None,
    ) -> None:
        self.patience = patience or Patience()
        self.cancellation = cancellation or Cancellation()
        self._environ = os.environ if environ is None else environ
        self._folders = certificate_folders(self._environ) if folders is None else folders
        self._pools: dict[tuple[str, bool, str | None], urllib3.PoolManager] = {}
        self._lock = Lock()

    def send(
        self, request: Request, *, attempts: int | None = None, reconnect: bool = True
    ) -> Answer:
        """The answer to `request` after redirects and further tries, whatever its status.

        Tried again is what can be: not a body that is read only once, and without `reconnect` not
        a line that broke. Raises Unreachable, NotTLS
        and InvalidAnswer.
        """
        most = self.patience.attempts if attempts is None else attempts
        if request.is_spent:
            most = 1
        attempt = 1
        while True:
            self.cancellation.check()
            try:
                answer = self._follow(request)
            except NotTLS:
                raise
            except Unreachable as error:
                gives_up = attempt >= most or not reconnect
                if gives_up or isinstance(error.__cause__, NewConnectionError):
                    raise
                delay = self.patience.delay(attempt)
            else:
                if answer.status not in _LATER or attempt >= most:
                    return answer
                delay = self.patience.delay(attempt, _retry_after(answer.headers))
                answer.close()
            self.cancellation.pause(delay)
            attempt += 1

    def close(self) -> None:
        """Close the connections that wait for another request."""
        with self._lock:
            pools = list(self._pools.values())
            self._pools.clear()
        for pool in pools:
            pool.clear()

    def _follow(self, request: Request) -> Answer:
        current = request
        for _ in range(_REDIRECTS + 1):
            answer = self._once(current)
            location = answer.headers.get("Location")
            follows = current.method in ("GET", "HEAD") and answer.status in _REDIRECTED
            if not follows or not location:
                return answer
            answer.close()
            current = _redirected(current, location)
        raise InvalidAnswer(f"{request.named}: stopped after {_REDIRECTS} redirects")

    def _once(self, request: Request) -> Answer:
        try:
            response = self._pool(request).request(
                request.method,
                request.url,
                body=request.body,
                headers={"User-Agent": USER_AGENT, **request.headers},
                timeout=urllib3.Timeout(connect=self.patience.connect, read=self.patience.stall),
                retries=False,
                redirect=False,
                preload_content=False,
                decode_content=False,
            )
        except WrappedSSLError as error:
            raise NotTLS(request.named, problem_of(error)) from error
        except (HTTPError, OSError, ValueError) as error:
            self.cancellation.check()
            raise Unreachable(request.named, problem_of(error)) from error
        return Answer(request, response, self.patience, self.cancellation)

    def _pool(self, request: Request) -> urllib3.PoolManager:
        parts = urlsplit(request.url)
        proxy = proxy_for(request.url, self._environ)
        key = (parts.netloc, request.verify, proxy)
        with self._lock:
            if key not in self._pools:
                self._pools[key] = self._new_pool(parts.scheme, parts.netloc, request, proxy)
            return self._pools[key]

    def _new_pool(
        self, scheme: str, host: str, request: Request, proxy: str | None
    ) -> urllib3.PoolManager:
        context = None
        if scheme == "https":
            context = tls_context(host, self._folders, verify=request.verify)
        if proxy is None:
            return urllib3.PoolManager(maxsize=_CONNECTIONS, ssl_context=context)
        parts = urlsplit(proxy)
        headers = None
        if parts.username:
            headers = urllib3.make_headers(
                proxy_basic_auth=f"{parts.username}:{parts.password or ''}"
            )
        return urllib3.ProxyManager(
            proxy, proxy_headers=headers, maxsize=_CONNECTIONS, ssl_context=context
        )


def origin(url: str) -> tuple[str, str, int | None]:
    """What must be equal for credentials to be sent along."""
    parts = urlsplit(url)
    return parts.scheme, parts.hostname or "", parts.port


def _redirected(request: Request, location: str) -> Request:
    try:
        url = urljoin(request.url, location)
        parts = urlsplit(url)
        valid = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        valid = False
        url = ""
    if not valid:
        raise InvalidAnswer(f"{request.named}: redirect to an invalid address")
    if url.startswith("http:") and request.url.startswith("https:") and not request.may_downgrade:
        raise InvalidAnswer(f"{request.named}: redirect from HTTPS to HTTP is not followed")
    headers = dict(request.headers)
    if origin(url) != origin(request.url):
        headers.pop("Authorization", None)
    # What is insecure about a registry is said about its host alone.
    same_host = urlsplit(url).netloc == urlsplit(request.url).netloc
    return replace(request, url=url, headers=headers, verify=request.verify or not same_host)


def _retry_after(headers: Mapping[str, str]) -> float | None:
    text = headers.get("Retry-After", "").strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        return parsedate_to_datetime(text).timestamp() - time.time() if text else None
    except (ValueError, OverflowError):
        return None
