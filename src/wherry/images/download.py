"""A file from the web, piece by piece."""

from collections.abc import Iterator
from http.client import HTTPException
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

from wherry.errors import InvalidArgument, Unavailable
from wherry.store.blobs import READ_SIZE

_PATIENCE = 60.0  # seconds without a byte


class DownloadFailed(Unavailable):
    def __init__(self, url: str, reason: str) -> None:
        super().__init__(f"failed to download {url}: {reason}")


def is_url(text: str) -> bool:
    return text.startswith(("http://", "https://"))


def downloaded(url: str) -> Iterator[bytes]:
    """The contents at an http or https URL; raises DownloadFailed."""
    if not is_url(url):
        raise InvalidArgument(f"{url}: only http and https can be downloaded")
    try:
        with urlopen(url, timeout=_PATIENCE) as answer:
            left = answer.length
            while piece := answer.read(READ_SIZE):
                left = None if left is None else left - len(piece)
                yield piece
        if left:
            raise DownloadFailed(url, f"{left} bytes are missing at its end")
    except HTTPError as error:
        raise DownloadFailed(url, f"{error.code} {error.reason}") from error
    except URLError as error:
        reason = error.reason
        text = reason.strerror if isinstance(reason, OSError) else str(reason)
        raise DownloadFailed(url, (text or str(reason)).lower()) from error
    except (OSError, HTTPException) as error:
        raise DownloadFailed(url, str(error) or type(error).__name__) from error
