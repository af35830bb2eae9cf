"""Proving who we are: Basic credentials, or Bearer tokens fetched from where a registry says.

    registry  401, WWW-Authenticate: Bearer realm="https://auth.example/token",service="s"
    us        GET  realm?service=s&scope=repository:a:pull     with Basic, or nobody's name
              POST realm, grant_type=refresh_token             with an identity token
    server    {"token": "...", "expires_in": 300}

https://distribution.github.io/distribution/spec/auth/. A registry chooses the realm, so the
realm gets no more than the credentials kept for this very registry, over HTTPS unless the registry
itself is spoken to without. Tokens are kept per realm, service and scopes until they expire.
"""

import json
import time
from collections.abc import Iterable
from threading import Lock
from urllib.parse import urlencode, urlsplit

from wherry.registry.challenge import Challenge
from wherry.registry.credentials import Credential
from wherry.registry.errors import (
    AuthenticationRequired,
    InvalidAnswer,
    NoBasicCredentials,
    RegistryFailed,
    refusal_of,
    status_line,
)
from wherry.registry.transport import Request, Transport
from wherry.values import dataclass, replace

CLIENT_ID = "wherry"
_TOKEN_LIMIT = 1 << 20
_LIFETIME = 60.0  # seconds, where the server says nothing
_LONGEST_LIFETIME = 3600.0
_MARGIN = 5.0  # a token must still be good when it arrives


@dataclass(frozen=True, kw_only=True, slots=True)
class Token:
    text: str
    expires: float  # on the monotonic clock
    refresh_token: str = ""

    def __repr__(self) -> str:
        return "Token(...)"


_Key = tuple[str, str, tuple[str, ...]]


class Authorizer:
    """The proofs for one registry. Threads may share it."""

    def __init__(
        self, transport: Transport, credential: Credential | None, *, verify: bool, plain: bool
    ) -> None:
        self._transport = transport
        self.credential = credential or Credential()
        self._verify = verify
        self._plain = plain  # the registry itself speaks HTTP
        self._challenge: Challenge | None = None
        self._tokens: dict[_Key, Token] = {}
        self._lock = Lock()

    def take(self, challenges: Iterable[Challenge]) -> None:
        """Remember what the registry asks for; a token is better than a password."""
        known = {challenge.scheme: challenge for challenge in challenges}
        self._challenge = known.get("bearer") or known.get("basic") or self._challenge

    @property
    def wants_token(self) -> bool:
        """Whether the registry asks for a token, not a password."""
        return self._challenge is not None and self._challenge.scheme == "bearer"

    def header(self, scopes: tuple[str, ...], request: str, *, fresh: bool = False) -> str:
        """The Authorization header for `scopes`, or "" where none was asked for.

        `fresh` fetches a new token although there is one. `request` names the request in errors.
        """
        if self.credential.registry_token:
            return f"Bearer {self.credential.registry_token}"
        challenge = self._challenge
        if challenge is None:
            return ""
        if challenge.scheme == "basic":
            if not self.credential.username:
                raise NoBasicCredentials(request)
            return self.credential.basic
        return f"Bearer {self.token(scopes, request, fresh=fresh).text}"

    def token(
        self, scopes: tuple[str, ...], request: str, *, fresh: bool = False, for_login: bool = False
    ) -> Token:
        """A token for `scopes`, kept or new; `for_login` asks for an identity token too.

        `request` is what it is for, named in errors.
        """
        assert self._challenge is not None
        realm = self._challenge.parameters.get("realm", "")
        service = self._challenge.parameters.get("service", "")
        self._check_realm(realm)
        key = (realm, service, scopes)
        with self._lock:  # one asks, the others wait for what it gets
            token = self._tokens.get(key)
            if token is None or fresh or token.expires <= time.monotonic():
                try:
                    token = self._fetch(realm, service, scopes, for_login=for_login)
                except AuthenticationRequired as error:
                    raise AuthenticationRequired(f"{request}: {error.message}") from error
                self._tokens[key] = token
            return token

    def _check_realm(self, realm: str) -> None:
        try:
            parts = urlsplit(realm)
            valid = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
        except ValueError:
            valid = False
            parts = urlsplit("")
        if not valid or len(realm) > 2048:
            raise InvalidAnswer("the registry names no valid realm to get a token from")
        if parts.scheme == "http" and not self._plain:
            raise InvalidAnswer(
                "the registry asks for credentials to be sent unencrypted, to "
                f"{parts.hostname}; that is not done"
            )

    def _fetch(
        self, realm: str, service: str, scopes: tuple[str, ...], *, for_login: bool
    ) -> Token:
        refresh = self.credential.identity_token
        if refresh:
            request = _post(realm, service, scopes, refresh)
        else:
            request = self._get(realm, service, scopes, for_login=for_login)
        answer = self._transport.send(replace(request, verify=self._verify))
        if answer.status != 200:
            error = refusal_of(answer.status, answer.error_text())
            if isinstance(error, AuthenticationRequired):
                raise AuthenticationRequired(_as_code(error.message))
            if isinstance(error, RegistryFailed):
                error = RegistryFailed(
                    f"failed to fetch oauth token: unexpected status: {status_line(answer.status)}"
                )
            raise error
        return _parsed(answer.read(_TOKEN_LIMIT), refresh)

    def _get(
        self, realm: str, service: str, scopes: tuple[str, ...], *, for_login: bool
    ) -> Request:
        query = [("scope", scope) for scope in scopes]
        if service:
            query.append(("service", service))
        headers = {}
        if self.credential.username:
            query.append(("account", self.credential.username))
            headers["Authorization"] = self.credential.basic
        if for_login:
            query += [("client_id", CLIENT_ID), ("offline_token", "true")]
        joint = "&" if urlsplit(realm).query else "?"
        url = realm + (joint + urlencode(query) if query else "")
        return Request(method="GET", url=url, headers=headers)


def _as_code(text: str) -> str:
    """Docker Hub's own form of a refusal names no code, others' do."""
    return text if text.startswith("unauthorized: ") else f"unauthorized: {text}"


def _post(realm: str, service: str, scopes: tuple[str, ...], refresh: str) -> Request:
    form = {
        "grant_type": "refresh_token",
        "service": service,
        "client_id": CLIENT_ID,
        "scope": " ".join(scopes),
        "refresh_token": refresh,
    }
    return Request(
        method="POST",
        url=realm,
        headers={"Content-Type": "application/x-www-form-urlencoded"},
        body=urlencode(form).encode(),
    )


def _parsed(body: bytes, refresh: str) -> Token:
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        raise InvalidAnswer("the token server's answer is no JSON object")
    text = document.get("token") or document.get("access_token")
    if not isinstance(text, str) or not text.isascii() or not text.isprintable():
        raise InvalidAnswer("authorization server did not include a token in the response")
    seconds = document.get("expires_in")
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)):
        seconds = _LIFETIME
    lifetime = min(max(float(seconds), _LIFETIME), _LONGEST_LIFETIME)
    renewed = document.get("refresh_token")
    return Token(
        text=text,
        expires=time.monotonic() + lifetime - _MARGIN,
        refresh_token=renewed if isinstance(renewed, str) else refresh,
    )
