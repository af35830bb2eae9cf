"""What registries answer when they refuse, and what goes wrong on the way to them.

A registry's error is `{"errors": [{"code": "DENIED", "message": "..."}]}`; Docker prints it as
`denied: ...`, https://github.com/opencontainers/distribution-spec/blob/main/spec.md#error-codes
"""

import json
from http import HTTPStatus

from wherry.errors import (
    Internal,
    InvalidArgument,
    NotFound,
    PermissionDenied,
    Unauthorized,
    Unavailable,
    WherryError,
)

_LONGEST_TEXT = 1024  # of what a stranger's answer may put on a terminal


class Denied(PermissionDenied):
    """The registry knows the caller, or needs not to, and says no."""

    def __init__(self, text: str = "denied: requested access to the resource is denied") -> None:
        super().__init__(text)


class AuthenticationRequired(Unauthorized):
    def __init__(self, text: str = "unauthorized: authentication required") -> None:
        super().__init__(text)


class NoBasicCredentials(Unauthorized):
    def __init__(self, request: str) -> None:
        super().__init__(f"{request}: no basic auth credentials")


class ManifestUnknown(NotFound):
    def __init__(self, text: str = "manifest unknown: manifest unknown") -> None:
        super().__init__(text)


class RepositoryUnknown(NotFound):
    """The registry has no repository of this name."""


class BlobUnknown(NotFound):
    """The repository does not have the blob."""


class NotFoundThere(NotFound):
    """An address that the server does not serve."""


class TooManyRequests(Unavailable):
    http_status = 429


class BadRequest(InvalidArgument):
    """The registry cannot make sense of what was sent."""


class RegistryFailed(Unavailable):
    """The registry, or what stands before it, answers with a failure of its own."""


class Unreachable(Unavailable):
    """No connection, or one that broke. `request` is the method and address, as Go words it."""

    def __init__(self, request: str, problem: str) -> None:
        super().__init__(f"{request}: {problem}" if request else problem)
        self.problem = problem


class TooSlow(Unreachable):
    """Bytes do come, but at this pace nobody would live to see the last one."""

    def __init__(self, request: str, count: int, seconds: float) -> None:
        super().__init__(request, f"the transfer is too slow: {count} bytes in {seconds:.0f} s")


class NotTLS(Unreachable):
    """A server that speaks no TLS, or whose certificate is not trusted."""


class InvalidAnswer(Internal):
    """The registry breaks the protocol: nothing of it is used."""


def refusal_of(status: int, body: bytes, *, missing: type[NotFound] = NotFoundThere) -> WherryError:
    """The error that an answer with `status` and `body` stands for; never None."""
    code, text = _first_error(body)
    kind = _BY_CODE.get(code)
    if kind is not None:
        return kind(text)
    if status == HTTPStatus.UNAUTHORIZED:
        return AuthenticationRequired(text or "unauthorized: authentication required")
    if status == HTTPStatus.FORBIDDEN:
        return Denied(text or "denied: requested access to the resource is denied")
    if status == HTTPStatus.NOT_FOUND:
        if missing is ManifestUnknown:
            return ManifestUnknown(text or "manifest unknown: manifest unknown")
        return missing(text or "not found")
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return TooManyRequests(text or "toomanyrequests: too many requests")
    if text and status < HTTPStatus.INTERNAL_SERVER_ERROR:
        return BadRequest(text)
    return RegistryFailed(text or f"received unexpected HTTP status: {status_line(status)}")


def status_line(status: int) -> str:
    """`404 Not Found`, as Go prints a status."""
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return str(status)


def printable(text: str) -> str:
    """`text` of a stranger, short and without what a terminal would obey."""
    kept = "".join(character if character.isprintable() else " " for character in text)
    return kept[:_LONGEST_TEXT].strip()


_BY_CODE: dict[str, type[WherryError]] = {
    "DENIED": Denied,
    "UNAUTHORIZED": AuthenticationRequired,
    "MANIFEST_UNKNOWN": ManifestUnknown,
    "NAME_UNKNOWN": RepositoryUnknown,
    "BLOB_UNKNOWN": BlobUnknown,
    "TOOMANYREQUESTS": TooManyRequests,
    "UNAVAILABLE": RegistryFailed,
}


def _first_error(body: bytes) -> tuple[str, str]:
    """The first error's code, and it in Docker's form; two empty strings if there is none."""
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return "", ""
    if not isinstance(document, dict):
        return "", ""
    errors = document.get("errors")
    first = errors[0] if isinstance(errors, list) and errors else None
    if not isinstance(first, dict):
        # Token servers have their own form.
        details = document.get("details") or document.get("error_description")
        return "", printable(details) if isinstance(details, str) else ""
    code = first.get("code")
    code = code if isinstance(code, str) else "UNKNOWN"
    message = first.get("message")
    words = printable(code.lower().replace("_", " "))
    text = printable(message) if isinstance(message, str) and message else words
    return code.upper(), f"{words}: {text}"
