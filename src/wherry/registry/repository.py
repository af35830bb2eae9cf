"""One repository on one server: its manifests and tags.

https://github.com/opencontainers/distribution-spec/blob/main/spec.md#endpoints. What a registry
answers is measured against what was asked for: a manifest by its digest, and its type by what it
says of itself.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import BinaryIO
from urllib.parse import urljoin, urlsplit

from wherry.errors import NotFound, WherryError
from wherry.oci.descriptor import Descriptor
from wherry.oci.digest import Digest
from wherry.oci.documents import load_document
from wherry.oci.media_type import INDEXES, MANIFESTS
from wherry.oci.reference import Reference
from wherry.registry.challenge import parse_challenges
from wherry.registry.errors import (
    AuthenticationRequired,
    Denied,
    InvalidAnswer,
    ManifestUnknown,
    NotFoundThere,
    RepositoryUnknown,
    refusal_of,
)
from wherry.registry.session import Connected, Session
from wherry.registry.transport import DOCUMENT_LIMIT, Answer, Request, origin
from wherry.values import dataclass

ACCEPTED = ", ".join(sorted(MANIFESTS | INDEXES))
_SCHEMA_1 = "application/vnd.docker.distribution.manifest.v1"
_MOST_TAGS = 1_000_000
_MOST_PAGES = 1000


class UnsupportedManifest(InvalidAnswer):
    def __init__(self, media_type: str) -> None:
        text = f"unsupported manifest media type and no default available: {media_type}"
        if media_type.startswith(_SCHEMA_1):
            text = (
                "support for Docker image format v1 and Docker image manifest version 2, schema 1"
                " has been removed"
            )
        super().__init__(text)


class WrongManifest(InvalidAnswer):
    def __init__(self, expected: Digest, found: Digest) -> None:
        super().__init__(
            f"manifest verification failed for digest {expected}: the answer has {found}"
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class ManifestDocument:
    """A manifest or an index, as the bytes that its digest is of."""

    descriptor: Descriptor
    data: bytes

    @property
    def is_index(self) -> bool:
        return self.descriptor.media_type in INDEXES


class Repository:
    """`reference`'s repository; its tag and digest do not matter here. Threads may share it."""

    def __init__(
        self,
        session: Session,
        connected: Connected,
        reference: Reference,
        actions: str = "pull",
        mounts: tuple[str, ...] = (),
    ) -> None:
        self.session = session
        self.reference = reference
        self._connected = connected
        # Scopes are sorted, so that the same ones find the same token.
        # One to mount from needs to be read.
        scopes = (
            f"repository:{reference.path}:{actions}",
            *(f"repository:{path}:pull" for path in mounts if path != reference.path),
        )
        self._scopes = tuple(sorted(set(scopes)))

    @property
    def base(self) -> str:
        return self._connected.base

    def resolve(self, name: str) -> Descriptor:
        """Where the tag or digest `name` leads; ManifestUnknown if nowhere."""
        answer = self._send("HEAD", f"manifests/{name}", {"Accept": ACCEPTED})
        if answer.status != HTTPStatus.OK:
            raise self.refused(answer, missing=ManifestUnknown)
        answer.close()
        stated = answer.headers.get("Docker-Content-Digest", "")
        if not stated:
            return self.manifest(name).descriptor
        length = answer.headers.get("Content-Length", "")
        return Descriptor(
            media_type=_media_type(answer.headers.get("Content-Type", "")),
            digest=Digest(stated),
            size=int(length) if length.isascii() and length.isdigit() else 0,
        )

    def manifest(self, name: str) -> ManifestDocument:
        """The manifest or index called `name`, a tag or digest, which its bytes must have."""
        answer = self._send("GET", f"manifests/{name}", {"Accept": ACCEPTED})
        if answer.status != HTTPStatus.OK:
            raise self.refused(answer, missing=ManifestUnknown)
        data = answer.read(DOCUMENT_LIMIT)
        stated = name if ":" in name else answer.headers.get("Docker-Content-Digest", "")
        digest = Digest.of_bytes(data)
        if stated:
            expected = Digest(stated)
            digest = Digest.of_hash(hashlib.new(expected.algorithm, data))
            if digest != expected:
                raise WrongManifest(expected, digest)
        media_type = _stated_type(data, _media_type(answer.headers.get("Content-Type", "")))
        descriptor = Descriptor(media_type=media_type, digest=digest, size=len(data))
        return ManifestDocument(descriptor=descriptor, data=data)

    def put_manifest(self, name: str, document: ManifestDocument) -> None:
        """Store the manifest under the tag or digest `name`."""
        headers = {"Content-Type": document.descriptor.media_type}
        answer = self._send("PUT", f"manifests/{name}", headers, document.data)
        if answer.status not in (HTTPStatus.OK, HTTPStatus.CREATED, HTTPStatus.ACCEPTED):
            raise self.refused(answer)
        answer.error_text()

    def delete_manifest(self, digest: Digest) -> None:
        """Remove the manifest, and with it all tags that lead there."""
        answer = self._send("DELETE", f"manifests/{digest}", {})
        if answer.status not in (HTTPStatus.OK, HTTPStatus.ACCEPTED):
            raise self.refused(answer, missing=ManifestUnknown)
        answer.close()

    def tags(self, *, page: int = 1000) -> Iterator[str]:
        """Every tag, in the registry's order, `page` of them at a time."""
        address: str | None = f"tags/list?n={page}"
        count = 0
        for _ in range(_MOST_PAGES):
            answer = self._send("GET", address, {})
            if answer.status != HTTPStatus.OK:
                raise self.refused(answer, missing=RepositoryUnknown)
            names = _names(answer.read(DOCUMENT_LIMIT), "tags")
            yield from names
            count += len(names)
            address = _next_page(answer)
            if address is None:
                return
            if count > _MOST_TAGS:
                break
        raise InvalidAnswer(f"{self.reference.familiar_name}: the list of tags has no end")

    def send(
        self,
        method: str,
        address: str,
        headers: Mapping[str, str],
        body: bytes | BinaryIO | None = None,
        *,
        reconnect: bool = True,
    ) -> Answer:
        """The answer of the registry; `address` is below the repository, or in full.

        What lies at another origin than the registry's own gets no credentials.
        """
        own = f"{self._connected.base}/v2/{self.reference.path}/"
        url = urljoin(own, address)
        request = Request(
            method=method,
            url=url,
            headers=headers,
            body=body,
            verify=self._connected.verify or origin(url) != origin(own),
            may_downgrade=not self._connected.verify,
        )
        if urlsplit(url).scheme not in ("http", "https"):
            raise InvalidAnswer(f"{request.named}: invalid address")
        if origin(url) != origin(own):
            if url.startswith("http:") and not self._connected.is_plain:
                raise InvalidAnswer(f"{request.named}: is not HTTPS")
            return self.session.transport.send(request, reconnect=reconnect)
        return self.session.send(self._connected, request, self._scopes, reconnect=reconnect)

    def _send(
        self,
        method: str,
        address: str | None,
        headers: Mapping[str, str],
        body: bytes | None = None,
    ) -> Answer:
        return self.send(method, address or "", headers, body)

    def refused(self, answer: Answer, *, missing: type[NotFound] = NotFoundThere) -> WherryError:
        """The error that `answer`, no success, stands for."""
        error = refusal_of(answer.status, answer.error_text(), missing=missing)
        if isinstance(error, AuthenticationRequired):
            challenges = parse_challenges(answer.headers.getlist("WWW-Authenticate"))
            if any(each.parameters.get("error") == "insufficient_scope" for each in challenges):
                return Denied()
        return error


def open_repositories(
    session: Session,
    reference: Reference,
    actions: str = "pull",
    mounts: tuple[str, ...] = (),
) -> Iterator[Repository]:
    """The repository on each server that has it, mirrors first; unreachable mirrors are left out.

    Whatever stops the last one, the registry itself, is raised.
    """
    for endpoint in session.endpoints(reference, with_mirrors=actions == "pull"):
        try:
            connected = session.connect(endpoint, reference.domain)
        except WherryError:
            if endpoint.is_mirror:
                continue
            raise
        yield Repository(session, connected, reference, actions, mounts)


def _media_type(header: str) -> str:
    return header.partition(";")[0].strip().lower()


def _stated_type(data: bytes, header: str) -> str:
    """The type of a manifest: what it says of itself; the header must not say another."""
    document = load_document(data, "manifest")
    if not isinstance(document, dict):
        raise InvalidAnswer("the registry's manifest is no JSON object")
    stated = document.get("mediaType")
    media_type = stated if isinstance(stated, str) and stated else header
    if media_type not in MANIFESTS | INDEXES:
        raise UnsupportedManifest(media_type)
    # An index that is read as a manifest, or the reverse, is an attack of its own kind.
    if ("manifests" in document) != (media_type in INDEXES) or (
        header in MANIFESTS | INDEXES and header != media_type
    ):
        raise InvalidAnswer(f"the registry's manifest is not of the type {media_type}")
    return media_type


def _names(data: bytes, key: str) -> list[str]:
    try:
        document = json.loads(data)
    except (ValueError, RecursionError):
        document = None
    names = document.get(key) if isinstance(document, dict) else None
    if isinstance(document, dict) and names is None:
        return []
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise InvalidAnswer(f"the registry's list of {key} is not understood")
    return names


def _next_page(answer: Answer) -> str | None:
    """The address in `Link: </v2/...>; rel="next"`."""
    link = answer.headers.get("Link", "")
    if 'rel="next"' not in link.replace("'", '"') and "rel=next" not in link:
        return None
    start, end = link.find("<"), link.find(">")
    return urljoin(answer.request.url, link[start + 1 : end]) if 0 <= start < end else None
