"""Why a connection failed, in the words of Go's libraries, which scripts search for."""

import os
import socket
import ssl

from urllib3.exceptions import (
    ConnectTimeoutError,
    HTTPError,
    IncompleteRead,
    NameResolutionError,
    NewConnectionError,
    ProxyError,
    ReadTimeoutError,
)

_CERTIFICATE_PROBLEMS = {
    9: "certificate has expired or is not yet valid",
    10: "certificate has expired or is not yet valid",
    18: "certificate signed by unknown authority",
    19: "certificate signed by unknown authority",
    20: "certificate signed by unknown authority",
    21: "certificate signed by unknown authority",
}
# What OpenSSL makes of an answer that is no TLS record: HTTP, mostly.
_NOT_TLS = ("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "RECORD_LAYER_FAILURE", "PACKET_LENGTH")


def problem_of(error: Exception) -> str:
    """The reason at the bottom of `error`."""
    if isinstance(error, ProxyError):
        return f"proxyconnect tcp: {problem_of(error.original_error)}"
    if isinstance(error, NameResolutionError):
        return f"dial tcp: lookup {error.conn.host}: no such host"
    if isinstance(error, ConnectTimeoutError) and not isinstance(error, NewConnectionError):
        return "dial tcp: i/o timeout"
    if isinstance(error, (ReadTimeoutError, TimeoutError)):
        return "net/http: timeout awaiting response"
    if isinstance(error, IncompleteRead):
        return "unexpected EOF"
    for cause in _causes(error):
        if isinstance(cause, ssl.SSLCertVerificationError):
            return f"tls: failed to verify certificate: x509: {_certificate_problem(cause)}"
        if isinstance(cause, ssl.SSLError):
            if any(word in str(cause) for word in _NOT_TLS):
                return "http: server gave HTTP response to HTTPS client"
            return f"remote error: tls: {(cause.reason or str(cause)).lower().replace('_', ' ')}"
        if isinstance(cause, OSError) and cause.errno:
            place = ""
            if isinstance(error, NewConnectionError):
                place = f"dial tcp {error.conn.host}:{error.conn.port}: connect: "
            return place + _system_problem(cause)
    if "closed connection without response" in str(error) or "EOF occurred" in str(error):
        return "EOF"
    return str(error)


def _causes(error: BaseException) -> list[BaseException]:
    """What `error` was raised from or wraps, outermost first."""
    found: list[BaseException] = []
    waiting: list[BaseException | None] = [error]
    while waiting:
        each = waiting.pop(0)
        if each is None or each in found:
            continue
        found.append(each)
        waiting += [each.__cause__, each.__context__]
        if isinstance(each, HTTPError):
            waiting += [argument for argument in each.args if isinstance(argument, BaseException)]
    return found


def _certificate_problem(error: ssl.SSLCertVerificationError) -> str:
    known = _CERTIFICATE_PROBLEMS.get(error.verify_code)
    return known or f"certificate is not valid: {error.verify_message}"


def _system_problem(error: OSError) -> str:
    if isinstance(error, socket.gaierror):
        return "no such host"
    return os.strerror(error.errno or 0).lower()
