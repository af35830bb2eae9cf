"""ADD of files from the web and of git repositories; both as contexts."""

import hashlib
import io
import re
import subprocess
import tarfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.build.conftest import Files
from wherry.build.git_sources import fetch_git
from wherry.build.web_sources import fetch_file
from wherry.errors import WherryError
from wherry.store.leases import Lease, lease_of
from wherry.store.store import Store
from wherry.testing.command import Wherry
from wherry.testing.sources import GitDaemon, WebServer, commit

Context = Callable[[Files], Path]

pytestmark = pytest.mark.needs("git")


@pytest.fixture
def web() -> Iterator[WebServer]:
    with WebServer() as server:
        yield server


@pytest.fixture
def lease(tmp_path: Path) -> Iterator[Lease]:
    with lease_of(Store(tmp_path / "root", tmp_path / "run")) as lease:
        yield lease


@pytest.fixture(scope="module")
def git(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GitDaemon]:
    """A daemon with a repository r.git: tag v1, branch main behind it, branch dev."""
    served = tmp_path_factory.mktemp("served")
    repository = served / "r.git"
    repository.mkdir()
    (repository / "link").symlink_to("d")
    commit(repository, "one", **{"d/file": "one", "Dockerfile": "FROM busybox\nCOPY . /all/\n"})
    run = ["git", "-C", str(repository), "-c", "user.name=t", "-c", "user.email=t@localhost"]
    subprocess.run([*run, "tag", "-a", "v1", "-m", "v1"], check=True)
    subprocess.run([*run, "checkout", "-q", "-b", "dev"], check=True)
    commit(repository, "two", **{"d/file": "two"})
    subprocess.run([*run, "checkout", "-q", "main"], check=True)
    with GitDaemon(served) as daemon:
        yield daemon


def _shown(builder: Wherry, *words: str) -> str:
    return builder("run", "--rm", "in", *words).stdout


def test_a_file_from_the_web_is_as_buildkit_has_it(
    builder: Wherry, context: Context, web: WebServer
) -> None:
    web.files = {"/dir/file.txt": b"text", "/a.tgz": b"not unpacked", "/": b"index"}
    web.headers["/dir/file.txt"] = {"Last-Modified": "Thu, 02 Jan 2020 03:04:05 GMT"}
    lines = (
        f"ADD {web.url}/dir/file.txt?query=1 /in/",
        f"ADD --chmod=640 --chown=3:4 {web.url}/dir/file.txt /renamed",
        f"ADD {web.url}/a.tgz /in/",
        f"ADD {web.url} /in/",
    )
    folder = context({"Dockerfile": "\n".join(("FROM busybox", *lines))})

    builder("build", "-q", "-t", "in", str(folder))

    shown = _shown(
        builder, "stat", "-c", "%n %a %u:%g %Y", "/in/file.txt", "/renamed", "/in/__unnamed__"
    )
    assert shown.splitlines() == [
        "/in/file.txt 600 0:0 1577934245",
        "/renamed 640 3:4 1577934245",
        "/in/__unnamed__ 600 0:0 0",
    ]
    assert _shown(builder, "cat", "/in/a.tgz") == "not unpacked"


def test_a_file_is_fetched_again_only_when_it_has_changed(
    builder: Wherry, context: Context, web: WebServer
) -> None:
    web.files["/file"] = b"one"
    web.headers["/file"] = {"ETag": '"1"'}
    folder = context({"Dockerfile": f"FROM busybox\nADD {web.url}/file /\n"})
    words = ("build", "--progress=plain", "-t", "in", str(folder))

    builder(*words)
    again = builder(*words)
    web.files["/file"] = b"two"
    web.headers["/file"] = {"ETag": '"2"'}
    builder(*words)

    assert "CACHED" in again.stderr
    assert [status for _, status in web.answers] == [200, 304, 200]
    assert _shown(builder, "cat", "/file") == "two"
    kept = builder("builder", "du", "--verbose").stdout
    assert f"http url {web.url}/file" in kept


def test_with_a_checksum_a_file_is_fetched_once(
    builder: Wherry, context: Context, web: WebServer
) -> None:
    web.files["/file"] = b"sum"
    digest = hashlib.sha256(b"sum").hexdigest()
    text = f"FROM busybox\nADD --checksum=sha256:{digest} {web.url}/file /\n"
    folder = context({"Dockerfile": text})

    builder("build", "-q", str(folder))
    builder("build", "-q", "--no-cache", str(folder))

    assert len(web.answers) == 1


@pytest.mark.parametrize(
    ("headers", "status", "checksum", "complaint"),
    [
        ({}, 200, f"sha256:{'0' * 64}", "digest mismatch for"),
        ({}, 500, "", "invalid response status 500"),
        ({"Location": "ftp://127.0.0.1/x"}, 302, "", "unknown url type: ftp"),
        ({"Content-Length": "900"}, 200, "", "bytes are missing at its end"),
    ],
)
def test_a_file_that_does_not_come_whole_is_refused(
    headers: dict[str, str],
    status: int,
    checksum: str,
    complaint: str,
    lease: Lease,
    web: WebServer,
) -> None:
    web.files["/file"] = b"short"
    web.headers["/file"] = headers
    web.statuses["/file"] = status

    with ExitStack() as undo, pytest.raises(WherryError, match=complaint):
        fetch_file(lease, f"{web.url}/file", "file", undo, checksum=checksum)
    with ExitStack() as undo, pytest.raises(WherryError, match="connection refused"):
        fetch_file(lease, "http://127.0.0.1:1/", "file", undo)


def test_a_name_and_password_go_to_the_server_alone(lease: Lease, web: WebServer) -> None:
    web.files["/file"] = b"x"
    url = web.url.replace("http://", "http://ann:se%40cret@")

    with ExitStack() as undo:
        assert (fetch_file(lease, f"{url}/file", "file", undo) / "file").read_bytes() == b"x"
        assert web.requests[-1]["Authorization"] == "Basic YW5uOnNlQGNyZXQ="
        with pytest.raises(WherryError) as failure:
            fetch_file(lease, f"{url}/none", "file", undo)
    assert "cret" not in str(failure.value)


def test_an_archive_or_a_dockerfile_from_the_web_is_a_context(
    builder: Wherry, web: WebServer
) -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name, text in {"Dockerfile": "FROM busybox\nCOPY f /\n", "f": "packed"}.items():
            member = tarfile.TarInfo(name)
            member.size = len(text)
            tar.addfile(member, io.BytesIO(text.encode()))
    web.files = {"/c.tgz": buffer.getvalue(), "/Dockerfile": b"FROM busybox\nRUN echo d > /f\n"}

    builder("build", "-q", "-t", "in", f"{web.url}/c.tgz")
    assert _shown(builder, "cat", "/f") == "packed"

    builder("build", "-q", "-t", "in", f"{web.url}/Dockerfile")
    assert _shown(builder, "cat", "/f") == "d\n"

    other = b"FROM busybox\nCOPY f /other\n"
    builder("build", "-q", "-t", "in", "-f", "-", f"{web.url}/c.tgz", stdin=other)
    assert _shown(builder, "cat", "/other") == "packed"


def test_a_repository_is_added_at_a_branch_a_tag_and_a_folder(
    builder: Wherry, context: Context, git: GitDaemon
) -> None:
    url = f"{git.url}/r.git"
    lines = (
        f"ADD {url}#v1:d /tag/",
        f"ADD {url}#dev /branch",
        f"ADD {url}?branch=dev&subdir=d /query",
        f"ADD --keep-git-dir {url}#refs/heads/main /kept",
    )
    folder = context({"Dockerfile": "\n".join(("FROM busybox", *lines))})
    words = ("build", "--progress=plain", "-t", "in", str(folder))

    builder(*words)
    again = builder(*words)

    files = ("/tag/file", "/branch/d/file", "/query/file", "/kept/d/file")
    assert _shown(builder, "cat", *files) == "onetwotwoone"
    assert _shown(builder, "sh", "-c", "echo /*/.git").split() == ["/kept/.git"]
    assert again.stderr.count("CACHED") == 4


def test_a_repository_is_a_context(builder: Wherry, git: GitDaemon) -> None:
    builder("build", "-q", "-t", "in", f"{git.url}/r.git#dev")

    assert _shown(builder, "cat", "/all/d/file") == "two"
    assert _shown(builder, "ls", "-A", "/all").split() == ["Dockerfile", "d", "link"]


@pytest.mark.parametrize(
    ("suffix", "checksum", "complaint"),
    [
        ("#nope", "", "does not contain ref nope"),
        ("#main:nope", "", "has no folder nope"),
        ("#main:../..", "", "is outside of the repository"),
        ("#main:link", "", "link leads through a link"),
        ("#main", "0123456", "expected checksum to match 0123456, got "),
        ("?checksum=54321", "12345", 'checksum mismatch "12345" != "54321"'),
        ("?what=1", "", 'unexpected query "what"'),
        ("#--upload-pack=x", "", "--upload-pack=x would be an option"),
    ],
)
def test_what_a_repository_does_not_have_is_told(
    suffix: str, checksum: str, complaint: str, lease: Lease, git: GitDaemon
) -> None:
    with ExitStack() as undo, pytest.raises(WherryError, match=re.escape(complaint)):
        fetch_git(lease, f"{git.url}/r.git{suffix}", undo, checksum=checksum)


def test_a_commit_is_had_by_its_number(lease: Lease, git: GitDaemon) -> None:
    number = commit(git.folder / "r.git", "three", new="3")
    commit(git.folder / "r.git", "four", new="4")

    for name in (number, number[:9]):
        with ExitStack() as undo:
            found = fetch_git(lease, f"{git.url}/r.git#{name}", undo, checksum=number[:7])
            assert (found / "new").read_text() == "3"


def test_submodules_come_along(lease: Lease, git: GitDaemon) -> None:
    commit(git.folder / "sub.git", "sub", inner="sub")
    words = ["git", "-C", str(git.folder / "r.git"), "submodule", "add", "-q"]
    subprocess.run([*words, f"{git.url}/sub.git", "below"], check=True, capture_output=True)
    commit(git.folder / "r.git", "with a submodule")

    with ExitStack() as undo:
        found = fetch_git(lease, f"{git.url}/r.git", undo)
        assert (found / "below/inner").read_text() == "sub"
        without = fetch_git(lease, f"{git.url}/r.git?submodules=false", undo)
        assert not (without / "below/inner").exists()


def test_what_was_fetched_is_pruned(
    builder: Wherry, context: Context, web: WebServer, git: GitDaemon
) -> None:
    web.files["/file"] = b"x"
    folder = context(
        {"Dockerfile": f"FROM busybox\nADD {web.url}/file /\nADD {git.url}/r.git /r\n"}
    )
    builder("build", "-q", str(folder))

    builder("builder", "prune", "-a", "-f", "--filter", "type=source.git.checkout")
    assert len(list((builder.root / "build/sources").iterdir())) == 1

    builder("builder", "prune", "-a", "-f")
    assert list((builder.root / "build/sources").iterdir()) == []
