"""Where builds fetch from: a web server that counts, and git's own daemon, on the loopback."""

import subprocess
import threading
from collections.abc import Mapping
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Self

from wherry.testing.registries import free_port
from wherry.testing.waiting import eventually


class _Exchange(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_arguments: object) -> None:
        return

    def do_GET(self) -> None:
        assert isinstance(self.server, _Server)
        web = self.server.web
        web.requests.append(dict(self.headers))
        path = self.path.partition("?")[0]
        data = web.files.get(path)
        headers = web.headers.get(path, {})
        etag = headers.get("ETag", "")
        if etag and self.headers.get("If-None-Match") == etag:
            web.answers.append((self.path, 304))
            self.send_response(304)
            self.send_header("ETag", etag)
            self.end_headers()
            return
        status = web.statuses.get(path, 200 if data is not None else 404)
        web.answers.append((self.path, status))
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if "Content-Length" not in headers:
            self.send_header("Content-Length", str(len(data or b"")))
        self.end_headers()
        with suppress(BrokenPipeError, ConnectionResetError):
            self.wfile.write(data or b"")
        if "Content-Length" in headers:
            self.close_connection = True


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    web: "WebServer"


class WebServer:
    """Serves `files` with `headers`, both by path; `answers` are the paths and statuses so far,
    `requests` the headers that were sent."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.headers: dict[str, Mapping[str, str]] = {}
        self.statuses: dict[str, int] = {}
        self.answers: list[tuple[str, int]] = []
        self.requests: list[Mapping[str, str]] = []
        self._server = _Server(("127.0.0.1", 0), _Exchange)
        self._server.web = self
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._server.shutdown()
        self._server.server_close()


class GitDaemon:
    """Serves every repository below `folder`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._port = free_port()
        self.url = f"git://127.0.0.1:{self._port}"
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [
                *("git", "daemon", "--export-all", "--reuseaddr", "--listen=127.0.0.1"),
                *(f"--port={self._port}", f"--base-path={self.folder}", str(self.folder)),
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        eventually(self._answers, seconds=10, what="git daemon answers")
        return self

    def __exit__(self, *_error: object) -> None:
        assert self._process is not None
        self._process.terminate()
        self._process.wait()

    def _answers(self) -> bool:
        import socket

        with suppress(OSError), socket.create_connection(("127.0.0.1", self._port)):
            return True
        return False


def commit(folder: Path, message: str, **files: str) -> str:
    """Commit files to the repository in `folder`, made if it is not there; the commit's number."""

    def git(*words: str) -> str:
        done = subprocess.run(
            ["git", "-c", "user.name=test", "-c", "user.email=test@localhost", *words],
            cwd=folder,
            check=True,
            capture_output=True,
            text=True,
        )
        return done.stdout.strip()

    if not (folder / ".git").exists():
        folder.mkdir(parents=True, exist_ok=True)
        git("init", "-q", "-b", "main")
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    git("add", "-A")
    git("commit", "-q", "-m", message)
    return git("rev-parse", "HEAD")
