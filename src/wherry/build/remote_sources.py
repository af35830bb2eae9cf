"""ADD of a URL or a git repository: fetched into a staging folder."""

import os
import subprocess
from email.utils import parsedate_to_datetime
from hashlib import new as new_hash
from http.client import HTTPException
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.parse import unquote, urlsplit
from urllib.request import urlopen

from wherry.errors import InvalidArgument, Unavailable, Unsupported
from wherry.oci.digest import Digest

_PATIENCE = 60.0  # seconds without a byte
_READ = 1 << 18


class FetchFailed(Unavailable):
    def __init__(self, url: str, reason: str) -> None:
        super().__init__(f"failed to fetch {url}: {reason}")


class WrongChecksum(InvalidArgument):
    def __init__(self, url: str, expected: str, found: str) -> None:
        super().__init__(f"digest mismatch {found}: {expected} expected for {url}")


def fetch_url(url: str, folder: Path, *, checksum: str = "") -> None:
    """The file at `url`, of mode 600 as BuildKit has it, in the new `folder`."""
    expected = Digest(checksum) if checksum else None
    digest = new_hash(expected.algorithm) if expected else None
    os.mkdir(folder, 0o700)
    name = unquote(os.path.basename(urlsplit(url).path)).replace("/", "_") or "download"
    if name in (".", ".."):
        raise InvalidArgument(f"cannot determine filename for {url}")
    path = folder / name
    try:
        with urlopen(url, timeout=_PATIENCE) as answer, path.open("xb") as file:
            os.fchmod(file.fileno(), 0o600)
            while piece := answer.read(_READ):
                file.write(piece)
                if digest is not None:
                    digest.update(piece)
            modified = answer.headers.get("Last-Modified", "")
    except HTTPError as error:
        raise FetchFailed(url, f"invalid response status {error.code}") from error
    except URLError as error:
        raise FetchFailed(url, str(error.reason)) from error
    except (HTTPException, TimeoutError, ConnectionError) as error:
        raise FetchFailed(url, str(error) or type(error).__name__) from error
    if digest is not None and expected is not None and Digest.of_hash(digest) != expected:
        raise WrongChecksum(url, str(expected), str(Digest.of_hash(digest)))
    moment = _time_of(modified)
    os.utime(path, (moment, moment))


def _time_of(text: str) -> float:
    """Of a Last-Modified header; without one a fixed time, so that it makes no difference."""
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp())
    except (ValueError, TypeError):
        return 0.0


def fetch_git(url: str, folder: Path, *, checksum: str = "", keep_git: bool = False) -> None:
    """The files of a repository, `URL#ref:subfolder`, as the new `folder`; git itself fetches."""
    address, _, fragment = url.partition("#")
    reference, _, subfolder = fragment.partition(":")
    for word in (address, reference):
        if word.startswith("-"):
            raise InvalidArgument(f"{url}: not the name of a repository")
    clone = folder.with_name(folder.name + "-git")
    os.mkdir(clone, 0o700)
    _git(clone, "init", "-q", url=url)
    _git(clone, "fetch", "-q", "--depth=1", address, reference or "HEAD", url=url)
    _git(clone, "checkout", "-q", "FETCH_HEAD", url=url)
    commit = _git(clone, "rev-parse", "HEAD", url=url).strip()
    if checksum and not commit.startswith(checksum):
        raise WrongChecksum(url, checksum, commit)
    if not keep_git:
        from wherry.linux.files import remove_tree

        remove_tree(clone / ".git")
    top = Path(os.path.normpath(clone / subfolder.lstrip("/")))
    if not top.is_relative_to(clone) or not top.resolve().is_relative_to(clone.resolve()):
        raise InvalidArgument(f"{url}: the folder is outside of the repository")
    if not top.is_dir():
        raise InvalidArgument(f"{url}: the repository has no folder {subfolder}")
    os.rename(top, folder)


def _git(folder: Path, *words: str, url: str) -> str:
    environment = {**os.environ, "GIT_TERMINAL_PROMPT": "0", "GIT_CONFIG_NOSYSTEM": "1"}
    try:
        done = subprocess.run(
            ["git", *words],
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
        )
    except FileNotFoundError as error:
        raise Unsupported(f"{url}: git is not installed here") from error
    if done.returncode != 0:
        raise FetchFailed(url, done.stderr.decode(errors="replace").strip())
    return done.stdout.decode(errors="replace")
