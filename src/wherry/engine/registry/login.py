"""Logging in to a registry: credentials are tried there, then kept as Docker keeps them."""

import os
from http import HTTPStatus

from wherry.errors import Unauthorized
from wherry.oci.reference import DEFAULT_DOMAIN
from wherry.registry.credentials import HUB_SERVER, Credential, CredentialFile, server_of
from wherry.registry.errors import AuthenticationRequired, refusal_of, status_line
from wherry.registry.session import Session
from wherry.registry.settings import load_settings
from wherry.registry.transport import Request, Transport
from wherry.values import dataclass, replace


class LoginRefused(Unauthorized):
    def __init__(self, url: str, status: int) -> None:
        super().__init__(f"login attempt to {url} failed with status: {status_line(status)}")


@dataclass(frozen=True, kw_only=True, slots=True)
class LoggedIn:
    """`plain_file` is where the credentials now lie unencrypted, or ""."""

    plain_file: str = ""


def registry_domain(server: str) -> str:
    """The registry that people mean by `server`: an address, a host, or nothing for the Hub."""
    host = server.rpartition("://")[2].partition("/")[0]
    if host in ("", "index.docker.io", "registry-1.docker.io"):
        return DEFAULT_DOMAIN
    return host


def stored_credential(server: str) -> Credential | None:
    """What is kept for the registry, if anything."""
    return CredentialFile.of(os.environ).get(server_of(registry_domain(server)))


def login(server: str, credential: Credential) -> LoggedIn:
    """Try the credentials and keep them, or an identity token that the registry gives for them.

    Raises LoginRefused, AuthenticationRequired, and what `wherry.registry` raises.
    """
    domain = registry_domain(server)
    proven = prove_login(server, credential)
    file = CredentialFile.of(os.environ)
    before = file.get(server_of(domain))
    in_file = file.store(server_of(domain), proven)
    is_known = before is not None and before == proven
    return LoggedIn(plain_file=str(file.path) if in_file and not is_known else "")


def prove_login(server: str, credential: Credential) -> Credential:
    """Try the credentials, or raise as `login`; with the identity token that the registry gives."""
    session = Session(Transport(), load_settings(os.environ), lambda _domain: credential)
    try:
        return _prove(session, registry_domain(server), credential)
    finally:
        session.close()


def _prove(session: Session, domain: str, credential: Credential) -> Credential:
    endpoint = session.settings.endpoints(domain, with_mirrors=False)[-1]
    connected = session.connect(endpoint, domain)
    url = f"{connected.base}/v2/"
    request = Request(method="GET", url=url, verify=connected.verify)
    if connected.authorizer.wants_token:
        token = connected.authorizer.token((), request.named, for_login=True)
        if token.refresh_token:
            credential = replace(credential, identity_token=token.refresh_token)
    answer = session.send(connected, request, ())
    body = answer.error_text()
    if answer.status == HTTPStatus.UNAUTHORIZED:
        raise LoginRefused(url, answer.status)
    if answer.status != HTTPStatus.OK:
        error = refusal_of(answer.status, body)
        if isinstance(error, AuthenticationRequired):
            raise LoginRefused(url, answer.status)
        raise error
    return credential


def logout(server: str) -> str:
    """Forget what is kept for the registry; its name as Docker prints it."""
    domain = registry_domain(server)
    CredentialFile.of(os.environ).erase(server_of(domain))
    return HUB_SERVER if domain == DEFAULT_DOMAIN else domain
