"""Blobs on their way to a registry: skipped where it has them, mounted, or sent.

    POST /v2/NAME/blobs/uploads/              202, Location: where to send
    PATCH Location  (the whole blob)          202, Location: where to finish
    PUT Location?digest=...                   201

A small blob goes in the PUT itself, others in one PATCH, as Docker sends it. Where that breaks,
the registry is asked how much has come (GET Location, header Range) and the rest follows. One
that states a smallest chunk gets the rest whole, which is never smaller.
"""

import os
import re
from collections.abc import Callable
from http import HTTPStatus
from io import RawIOBase
from typing import BinaryIO, cast
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit, urlunsplit

from wherry.oci.digest import Digest
from wherry.registry.download import has_blob
from wherry.registry.errors import InvalidAnswer, RegistryFailed, Unreachable
from wherry.registry.repository import Repository
from wherry.registry.transport import Answer

_RANGE = re.compile(r"(?:bytes=)?0-(\d{1,18})")
_ACCEPTED = (HTTPStatus.ACCEPTED, HTTPStatus.NO_CONTENT, HTTPStatus.CREATED, HTTPStatus.OK)

_SMALL = 1 << 16  # bytes; to send those again costs less than to ask how many have come

Progress = Callable[[int], None]


def mount_blob(repository: Repository, digest: Digest, source: str) -> str | None:
    """Let the registry take the blob from its repository `source`.

    None if it did. Otherwise it has begun an upload instead, whose address this is.
    """
    query = urlencode({"mount": str(digest), "from": source})
    answer = repository.send("POST", f"blobs/uploads/?{query}", {"Content-Length": "0"}, b"")
    if answer.status == HTTPStatus.CREATED:
        answer.close()
        return None
    return _location(repository, answer)


def begin_upload(repository: Repository) -> str:
    """The address of a new upload."""
    answer = repository.send("POST", "blobs/uploads/", {"Content-Length": "0"}, b"")
    return _location(repository, answer)


def upload_blob(
    repository: Repository,
    digest: Digest,
    file: BinaryIO,
    *,
    location: str = "",
    progress: Progress = lambda _bytes: None,
) -> None:
    """Send the blob that `file`, which can seek, holds. `progress` gets the bytes sent so far."""
    size = os.fstat(file.fileno()).st_size
    location = location or begin_upload(repository)
    if size <= _SMALL:
        file.seek(0)
        _finish(repository, location, digest, file.read(size))
        progress(size)
        return
    transport = repository.session.transport
    at = 0
    failures = 0
    while at < size:
        transport.cancellation.check()
        file.seek(at)
        headers = {
            "Content-Type": "application/octet-stream",
            "Content-Length": str(size - at),
        }
        if at:
            headers["Content-Range"] = f"{at}-{size - 1}"
        body = cast(BinaryIO, _Counted(repository, file, at, progress))
        try:
            answer = repository.send("PATCH", location, headers, body)
            location = _location(repository, answer)
            at = size
        except (Unreachable, RegistryFailed):
            failures += 1
            if failures >= transport.patience.attempts:
                raise
            transport.cancellation.pause(transport.patience.delay(failures))
            location, before = _how_far(repository, location)
            failures = 1 if before > at else failures
            at = min(before, size)
    _finish(repository, location, digest)


def push_blob(
    repository: Repository, digest: Digest, file: BinaryIO, *, progress: Progress
) -> bool:
    """Send the blob unless it is there; whether it was sent."""
    if has_blob(repository, digest) is not None:
        return False
    upload_blob(repository, digest, file, progress=progress)
    return True


def _finish(repository: Repository, location: str, digest: Digest, rest: bytes = b"") -> None:
    parts = urlsplit(location)
    query = [*parse_qsl(parts.query, keep_blank_values=True), ("digest", str(digest))]
    address = urlunsplit(parts._replace(query=urlencode(query)))
    headers = {"Content-Length": str(len(rest))}
    if rest:
        headers["Content-Type"] = "application/octet-stream"
    answer = repository.send("PUT", address, headers, rest)
    if answer.status not in (HTTPStatus.CREATED, HTTPStatus.OK, HTTPStatus.NO_CONTENT):
        raise repository.refused(answer)
    answer.close()
    stated = answer.headers.get("Docker-Content-Digest", "")
    if stated and stated != str(digest):
        raise InvalidAnswer(f"the registry took blob {digest} for {stated}")


def _how_far(repository: Repository, location: str) -> tuple[str, int]:
    """Where to go on, and from which byte; a new upload where the old one is lost."""
    answer = repository.send("GET", location, {})
    answer.close()
    match = _RANGE.fullmatch(answer.headers.get("Range", ""))
    if (
        answer.status not in (HTTPStatus.NO_CONTENT, HTTPStatus.ACCEPTED, HTTPStatus.OK)
        or not match
    ):
        return begin_upload(repository), 0
    last = int(match[1])
    # "0-0" is what an upload without a byte has, and one with a single byte.
    return _location_or(repository, answer, location), last + 1 if last else 0


def _location(repository: Repository, answer: Answer) -> str:
    if answer.status not in _ACCEPTED:
        raise repository.refused(answer)
    answer.close()
    location = _location_or(repository, answer, "")
    if not location:
        raise RegistryFailed("the registry does not say where to upload")
    return location


def _location_or(_repository: Repository, answer: Answer, default: str) -> str:
    location = answer.headers.get("Location", "")
    return urljoin(answer.request.url, location) if location else default


class _Counted(RawIOBase):
    """A file from a position on, that tells how far it was read."""

    def __init__(
        self, repository: Repository, file: BinaryIO, start: int, progress: Progress
    ) -> None:
        self._cancellation = repository.session.transport.cancellation
        self._file = file
        self._at = start
        self._progress = progress

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        self._cancellation.check()
        data = self._file.read(size)
        self._at += len(data)
        self._progress(self._at)
        return data
