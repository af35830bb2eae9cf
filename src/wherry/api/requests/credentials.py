"""Credentials in headers and bodies: JSON objects, in headers behind base64url.

    X-Registry-Auth     {"username": ..., "password": ..., "serveraddress": ...}
    X-Registry-Config   {"registry.example": {"username": ...}, ...}

Without a header a registry is asked as nobody: what this user's file has is not the client's.
"""

import base64
import binascii

from wherry.api.call import Call
from wherry.api.fields import Fields
from wherry.engine.registry.login import registry_domain
from wherry.errors import InvalidArgument
from wherry.oci.codec import InvalidDocument
from wherry.oci.documents import load_document
from wherry.registry.credentials import Credential

_AUTH, _CONFIG = "X-Registry-Auth", "X-Registry-Config"


class InvalidHeader(InvalidArgument):
    def __init__(self, name: str) -> None:
        super().__init__(f"invalid {name} header: not an object of JSON in base64url")


def read_credential(fields: Fields) -> Credential:
    """An AuthConfig. `auth` stands in for name and password."""
    username, password = fields.text("username"), fields.text("password")
    if not username and (auth := fields.text("auth")):
        pair = _decoded(auth)
        if pair is not None:
            username, _, password = pair.decode("utf-8", "replace").partition(":")
    return Credential(
        username=username,
        password=password,
        identity_token=fields.text("identitytoken"),
        registry_token=fields.text("registrytoken"),
    )


def credential_of(call: Call) -> Credential:
    """Whoever the header says the client is; a bad one is nobody, as in Docker."""
    try:
        return read_credential(Fields(_object(call, _AUTH)))
    except InvalidArgument:
        return Credential()


def credentials_of(call: Call) -> dict[str, Credential]:
    """Those for several registries, by their domains; a bad header has none, as in Docker."""
    try:
        known = Fields({_CONFIG: _object(call, _CONFIG)}).named_objects(_CONFIG)
        return {registry_domain(name): read_credential(fields) for name, fields in known.items()}
    except InvalidArgument:
        return {}


def _object(call: Call, header: str) -> dict[str, object]:
    text = call.http.headers.get(header, "")
    if not text:
        return {}
    data = _decoded(text)
    try:
        value = load_document(data or b"", header)
    except InvalidDocument as error:
        raise InvalidHeader(header) from error
    if not isinstance(value, dict):
        raise InvalidHeader(header)
    return value


def _decoded(text: str) -> bytes | None:
    """Of either alphabet, padded or not: clients differ."""
    plain = text.strip().rstrip("=").replace("-", "+").replace("_", "/")
    try:
        return base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)
    except (binascii.Error, ValueError):
        return None
