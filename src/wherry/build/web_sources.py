"""Files from the web: fetched, verified, and not fetched again as long as they are the same.

A server that gives an ETag is asked whether the file is still that one; a file whose checksum is
stated in the Dockerfile is asked for once only.
"""

import os
import posixpath
from base64 import b64encode
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from email.utils import parsedate_to_datetime
from hashlib import file_digest, sha256
from hashlib import new as new_hash
from http import HTTPStatus
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.parse import unquote, urlsplit, urlunsplit
from urllib.request import (
    HTTPDefaultErrorHandler,
    HTTPErrorProcessor,
    HTTPHandler,
    HTTPRedirectHandler,
    HTTPSHandler,
    OpenerDirector,
    ProxyHandler,
    Request,
    UnknownHandler,
)

from wherry.build.kept_sources import held_source
from wherry.build.urls import redacted
from wherry.errors import InvalidArgument, Unavailable
from wherry.oci.digest import Digest
from wherry.store.leases import Lease
from wherry.version import __version__

_PATIENCE = 60.0  # seconds without a byte
_READ = 1 << 18


class FetchFailed(Unavailable):
    def __init__(self, url: str, reason: str) -> None:
        super().__init__(f"failed to fetch {redacted(url)}: {reason}")


class WrongChecksum(InvalidArgument):
    def __init__(self, url: str, expected: str, found: str) -> None:
        super().__init__(f"digest mismatch for {redacted(url)}: {found} (expected: {expected})")


def file_name(url: str) -> str:
    """The last part of the URL's path, as BuildKit has it."""
    name = posixpath.basename(posixpath.normpath(unquote(urlsplit(url).path)))
    return "__unnamed__" if name in ("", ".", "..") or "\0" in name else name


def fetch_file(lease: Lease, url: str, name: str, undo: ExitStack, *, checksum: str = "") -> Path:
    """A folder with the file at `url`, called `name`, of mode 600 as BuildKit has it.

    It stays there until `undo`. Raises FetchFailed and WrongChecksum.
    """
    expected = Digest(checksum) if checksum else None
    algorithm = expected.algorithm if expected else "sha256"
    kept = held_source(lease, f"web {name} {url}", f"http url {redacted(url)}", undo)
    known = kept.facts()
    if expected is not None and known.get(algorithm) == str(expected):
        return kept.files
    with _translated(url):
        answer = _open(url, known.get("etag", ""))
        if answer is None:
            files = kept.files
            found = known.get(algorithm) or _digest_of(files / name, algorithm)
        else:
            files = lease.new_path("-fetched")
            os.mkdir(files, 0o700)
            with answer:
                found = _download(url, answer, files / name, algorithm)
    if expected is not None and found != str(expected):
        raise WrongChecksum(url, str(expected), found)
    if answer is None:
        return files
    facts = {algorithm: found, "etag": answer.headers.get("ETag", "")}
    # Other times make other files: they come along into layers.
    word = sha256(f"{found} {answer.headers.get('Last-Modified', '')}".encode()).hexdigest()[:32]
    return kept.put(files, word, facts)


def _open(url: str, etag: str) -> HTTPResponse | None:
    """What the server answers; None if the file is still the one that had this ETag."""
    headers = {"User-Agent": f"wherry/{__version__}"}
    if etag:
        headers["If-None-Match"] = etag
    opener = OpenerDirector()
    # Not urllib's own choice: a redirection must not lead to ftp: or file:.
    for handler in (
        ProxyHandler(),
        UnknownHandler(),
        HTTPHandler(),
        HTTPSHandler(),
        HTTPDefaultErrorHandler(),
        HTTPRedirectHandler(),
        HTTPErrorProcessor(),
    ):
        opener.add_handler(handler)
    request = Request(_without_user(url), headers=headers)
    if credentials := _credentials(url):
        request.add_unredirected_header("Authorization", f"Basic {credentials}")
    try:
        answer = opener.open(request, timeout=_PATIENCE)
    except HTTPError as error:
        with error:
            if error.code == HTTPStatus.NOT_MODIFIED and etag:
                return None
            raise FetchFailed(url, f"invalid response status {error.code}") from error
    assert isinstance(answer, HTTPResponse)
    return answer


def _without_user(url: str) -> str:
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


def _credentials(url: str) -> str:
    """What of `http://NAME:PASSWORD@HOST/` a server is sent."""
    who, at, _ = urlsplit(url).netloc.rpartition("@")
    name, _, password = who.partition(":")
    return b64encode(f"{unquote(name)}:{unquote(password)}".encode()).decode() if at else ""


@contextmanager
def _translated(url: str) -> Iterator[None]:
    try:
        yield
    except URLError as error:
        reason = error.reason
        words = reason.strerror if isinstance(reason, OSError) else None
        raise FetchFailed(url, (words or str(reason)).lower()) from error
    except (HTTPException, TimeoutError, ConnectionError, ValueError) as error:
        raise FetchFailed(url, str(error) or type(error).__name__) from error


def _download(url: str, answer: HTTPResponse, path: Path, algorithm: str) -> str:
    """Write what comes; its digest."""
    digest = new_hash(algorithm)
    left = answer.length
    with path.open("xb") as file:
        os.fchmod(file.fileno(), 0o600)
        while piece := answer.read(_READ):
            left = None if left is None else left - len(piece)
            file.write(piece)
            digest.update(piece)
    if left:
        raise FetchFailed(url, f"{left} bytes are missing at its end")
    moment = _time_of(answer.headers.get("Last-Modified", ""))
    os.utime(path, (moment, moment))
    return str(Digest.of_hash(digest))


def _digest_of(path: Path, algorithm: str) -> str:
    with path.open("rb") as file:
        return str(Digest.of_hash(file_digest(file, algorithm)))


def _time_of(text: str) -> float:
    """Of a Last-Modified header; without one the beginning of time, as in BuildKit."""
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp())
    except (ValueError, TypeError):
        return 0.0
