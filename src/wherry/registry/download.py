"""Blobs on their way here: verified as they pass, kept in a file, taken up again where they broke.

    for piece in download_blob(repositories, descriptor, file): unpack(piece)

The file holds what has come, in order, from the first byte; so it is also what a later download,
after a broken line or a kill, goes on from. Nothing is known about the bytes until the last one:
whoever uses the pieces must throw the result away when this raises.
"""

import hashlib
import os
import re
from collections.abc import Callable, Iterator, Sequence
from http import HTTPStatus

from wherry.errors import WherryError
from wherry.linux.files import write_all
from wherry.oci.descriptor import Descriptor
from wherry.oci.digest import Digest
from wherry.registry.errors import BlobUnknown, InvalidAnswer, TooSlow, Unreachable
from wherry.registry.patience import Cancelled
from wherry.registry.repository import Repository
from wherry.registry.transport import Answer

_READ_SIZE = 1 << 18
_CONTENT_RANGE = re.compile(r"bytes (\d{1,18})-(\d{1,18})/(\d{1,18}|\*)")

Progress = Callable[[int], None]


class WrongContent(InvalidAnswer):
    """A blob that is not what its descriptor says; Docker's words."""

    def __init__(self, descriptor: Descriptor, found: str) -> None:
        super().__init__(f"filesystem layer verification failed for digest {descriptor.digest}")
        self.descriptor = descriptor
        self.found = found


class WrongLength(InvalidAnswer):
    def __init__(self, descriptor: Descriptor, problem: str) -> None:
        super().__init__(
            f"blob {descriptor.digest} of {descriptor.size} bytes: the registry sends {problem}"
        )


def download_blob(
    repositories: Sequence[Repository],
    descriptor: Descriptor,
    file: int,
    *,
    progress: Progress = lambda _bytes: None,
) -> Iterator[bytes]:
    """The blob in pieces, from the first repository that has it.

    `file` is a descriptor opened for reading and writing, empty or with the blob's beginning. It
    is the whole blob at the end, and emptied where its content turns out wrong. `progress` gets
    the number of bytes that are here. Raises WrongContent, WrongLength, and what the last
    repository refuses with.
    """
    digest = hashlib.new(descriptor.digest.algorithm)
    size = 0
    for piece in _beginning(file, descriptor.size):
        digest.update(piece)
        size += len(piece)
        yield piece
    progress(size)
    try:
        for piece in _rest(repositories, descriptor, size):
            size += len(piece)
            if size > descriptor.size:
                raise WrongLength(descriptor, "more")
            write_all(file, piece)
            digest.update(piece)
            progress(size)
            yield piece
        if Digest.of_hash(digest) != descriptor.digest:
            raise WrongContent(descriptor, str(Digest.of_hash(digest)))
    except InvalidAnswer:
        # Bytes that proved wrong must not be where the next download begins.
        os.ftruncate(file, 0)
        raise


def has_blob(repository: Repository, digest: Digest) -> int | None:
    """The size of the blob in the repository, or None if it is not there."""
    answer = repository.send("HEAD", f"blobs/{digest}", {})
    answer.close()
    if answer.status == HTTPStatus.NOT_FOUND:
        return None
    if answer.status != HTTPStatus.OK:
        raise repository.refused(answer)
    length = answer.headers.get("Content-Length", "")
    return int(length) if length.isascii() and length.isdigit() else 0


def read_small_blob(
    repositories: Sequence[Repository], descriptor: Descriptor, limit: int
) -> bytes:
    """A blob that fits in memory, such as a configuration; verified."""
    if descriptor.size > limit:
        raise InvalidAnswer(f"blob {descriptor.digest} is larger than {limit} bytes")
    pieces = bytearray()
    for piece in _rest(repositories, descriptor, 0):
        pieces += piece
        if len(pieces) > descriptor.size:
            raise WrongLength(descriptor, "more")
    data = bytes(pieces)
    found = Digest.of_hash(hashlib.new(descriptor.digest.algorithm, data))
    if found != descriptor.digest:
        raise WrongContent(descriptor, str(found))
    return data


def _beginning(file: int, size: int) -> Iterator[bytes]:
    """What an earlier download left; nothing of a file that is too long."""
    if os.fstat(file).st_size > size:
        os.ftruncate(file, 0)
    os.lseek(file, 0, os.SEEK_SET)
    while piece := os.read(file, _READ_SIZE):
        yield piece


def _rest(
    repositories: Sequence[Repository], descriptor: Descriptor, start: int
) -> Iterator[bytes]:
    """The bytes from `start` on, across broken connections and from one server to the next."""
    at = start
    if at == descriptor.size:
        return
    for position, repository in enumerate(repositories):
        patience = repository.session.transport.patience
        failures = 0
        while at < descriptor.size:
            before = at
            try:
                for piece in _request(repository, descriptor, at):
                    at += len(piece)
                    yield piece
                if at < descriptor.size:
                    raise WrongLength(descriptor, f"only {at}")
            except Cancelled:
                raise
            except Unreachable as error:
                # A line that breaks again and again but gets on each time is a line.
                gets_on = at > before and not isinstance(error, TooSlow)
                failures = 1 if gets_on else failures + 1
                if failures >= patience.attempts:
                    if position + 1 == len(repositories):
                        raise
                    break
                repository.session.transport.cancellation.pause(patience.delay(failures))
            except WherryError:
                if position + 1 == len(repositories) or at > before:
                    raise
                break
        if at >= descriptor.size:
            return


def _request(repository: Repository, descriptor: Descriptor, at: int) -> Iterator[bytes]:
    headers = {"Range": f"bytes={at}-"} if at else {}
    # Broken lines are counted by the caller, who knows whether one got on.
    answer = repository.send("GET", f"blobs/{descriptor.digest}", headers, reconnect=False)
    skipped = 0
    if answer.status == HTTPStatus.PARTIAL_CONTENT and at:
        _check_range(answer, descriptor, at)
    elif answer.status == HTTPStatus.OK:
        skipped = at  # a server that knows no ranges sends what we have as well
    else:
        raise repository.refused(answer, missing=BlobUnknown)
    for piece in answer.chunks():
        if skipped >= len(piece):
            skipped -= len(piece)
            continue
        yield piece[skipped:]
        skipped = 0


def _check_range(answer: Answer, descriptor: Descriptor, at: int) -> None:
    match = _CONTENT_RANGE.fullmatch(answer.headers.get("Content-Range", ""))
    whole = match is not None and match[3] in ("*", str(descriptor.size))
    if match is None or int(match[1]) != at or not whole:
        answer.close()
        raise WrongLength(descriptor, "another part than was asked for")
