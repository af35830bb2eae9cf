"""Registries on the loopback interface: the distribution project's own, and one that misbehaves.

`HostileRegistry` serves what it is given, correctly, except for addresses that a test gives to a
function of its own. It speaks HTTP on plain sockets' files, so that it can also say nonsense.
"""

import ctypes
import hashlib
import json
import os
import socket
import subprocess
import tempfile
import threading
from collections.abc import Callable
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from wherry.oci.media_type import OCI_CONFIG, OCI_LAYER_GZIP, OCI_MANIFEST
from wherry.testing.waiting import eventually


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class DockerRegistry:
    """Debian's docker-registry, with a folder of its own. With a `user` it wants a password."""

    def __init__(
        self, *, user: str = "", password: str = "", tls: bool = False, asks_back: bool = False
    ) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="registry-", dir="/var/tmp"))
        self.port = free_port()
        self.host = f"localhost:{self.port}"
        self.certificate = self.folder / "tls.crt"
        lines = [
            "version: 0.1",
            "log: {level: error}",
            "storage:",
            "  delete: {enabled: true}",
            f"  filesystem: {{rootdirectory: {self.folder}/data}}",
        ]
        http = f"addr: 127.0.0.1:{self.port}"
        if tls:
            self._make_certificate()
            # With `asks_back` clients must have a certificate too: this very one will do.
            clients = f", clientcas: [{self.certificate}]" if asks_back else ""
            keys = f"certificate: {self.certificate}, key: {self.folder}/tls.key"
            http += f", tls: {{{keys}{clients}}}"
        lines.append(f"http: {{{http}}}")
        if user:
            hashed = bcrypt_line(user, password)
            (self.folder / "htpasswd").write_text(hashed)
            lines.append(f"auth: {{htpasswd: {{realm: basic, path: {self.folder}/htpasswd}}}}")
        (self.folder / "config.yml").write_text("\n".join(lines) + "\n")
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        with (self.folder / "log").open("wb") as log:
            self._process = subprocess.Popen(
                ["docker-registry", "serve", self.folder / "config.yml"],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**os.environ, "OTEL_TRACES_EXPORTER": "none"},
            )
        eventually(self._answers, seconds=20, what="docker-registry answers")
        return self

    def __exit__(self, *_error: object) -> None:
        assert self._process is not None
        self._process.kill()
        self._process.wait()
        subprocess.run(["rm", "-rf", self.folder], check=True)

    def _answers(self) -> bool:
        assert self._process is not None
        if self._process.poll() is not None:
            raise RuntimeError((self.folder / "log").read_text()[-2000:])
        with suppress(OSError), socket.create_connection(("127.0.0.1", self.port)):
            return True
        return False

    def _make_certificate(self) -> None:
        subprocess.run(
            [
                *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1"),
                *("-keyout", self.folder / "tls.key", "-out", self.certificate),
                *("-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"),
            ],
            check=True,
            capture_output=True,
        )


def bcrypt_line(user: str, password: str) -> str:
    """A line of an htpasswd file, hashed by libcrypt."""
    library = ctypes.CDLL("libcrypt.so.1")
    library.crypt.restype = ctypes.c_char_p
    hashed: bytes = library.crypt(password.encode(), b"$2b$05$" + b"a" * 22)
    return f"{user}:{hashed.decode()}\n"


Behaviour = Callable[["Exchange"], None]


class Exchange(BaseHTTPRequestHandler):
    """One request and what is answered to it."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # head and body go apart, and one would wait for the other

    @property
    def registry(self) -> "HostileRegistry":
        assert isinstance(self.server, _Server)
        return self.server.registry

    def log_message(self, *_arguments: object) -> None:
        return

    def answer(self, status: int, body: bytes = b"", **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        if "Content_Length" not in headers:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def error(self, status: int, code: str, message: str, **headers: str) -> None:
        """A registry's error."""
        document = {"errors": [{"code": code, "message": message}]}
        self.answer(status, json.dumps(document).encode(), **headers)

    def reset(self) -> None:
        """Break the connection off."""
        with suppress(OSError):
            self.connection.setsockopt(
                socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00"
            )
        self.close_connection = True
        self.connection.close()

    def handle_any(self) -> None:
        registry = self.registry
        registry.seen.append((self.command, self.path, dict(self.headers)))
        for part, behaviour in registry.behaviours.items():
            if part in self.path:
                with suppress(BrokenPipeError, ConnectionResetError, ValueError):
                    behaviour(self)
                return
        self.serve()

    def serve(self) -> None:
        """Answer as a registry does."""
        found = self.registry.content.get(self.path.rpartition("/")[2])
        if urlsplit(self.path).path == "/v2/":  # to a proxy the whole address is sent
            self.answer(200, b"{}")
        elif found is None:
            code = "MANIFEST_UNKNOWN" if "/manifests/" in self.path else "BLOB_UNKNOWN"
            self.error(404, code, code.lower().replace("_", " "))
        else:
            media_type, body = found
            start = self.headers.get("Range", "")
            if start:
                at = int(start.removeprefix("bytes=").rstrip("-"))
                span = f"bytes {at}-{len(body) - 1}/{len(body)}"
                self.answer(206, body[at:], Content_Range=span)
            else:
                self.answer(200, body, Content_Type=media_type)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = handle_any  # noqa: N815 - http.server's names


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    registry: "HostileRegistry"

    def handle_error(self, *_arguments: object) -> None:
        return  # a client that goes away is what these tests are about


class _Server6(_Server):
    address_family: int = socket.AF_INET6


class HostileRegistry:
    """`behaviours` maps a part of an address to what happens there."""

    def __init__(self, address: str = "127.0.0.1") -> None:
        self.content: dict[str, tuple[str, bytes]] = {}
        self.behaviours: dict[str, Behaviour] = {}
        self.seen: list[tuple[str, str, dict[str, str]]] = []
        kind = _Server6 if ":" in address else _Server
        self._server = kind((address, 0), Exchange)
        self._server.registry = self
        name = f"[{address}]" if ":" in address else address
        self.host = f"{name}:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def add(self, data: bytes, media_type: str = "application/octet-stream") -> str:
        """Serve `data` under its digest, which is returned."""
        digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
        self.content[digest] = (media_type, data)
        return digest

    def add_image(self, layers: dict[bytes, bytes], tag: str = "latest") -> str:
        """An image of compressed layers, each with its tar; the digest of its manifest."""
        config = json.dumps(
            {
                "architecture": os.uname().machine.replace("x86_64", "amd64"),
                "os": "linux",
                "rootfs": {
                    "type": "layers",
                    "diff_ids": [
                        f"sha256:{hashlib.sha256(tar).hexdigest()}" for tar in layers.values()
                    ],
                },
            }
        ).encode()
        manifest = {
            "schemaVersion": 2,
            "mediaType": OCI_MANIFEST,
            "config": {"mediaType": OCI_CONFIG, "digest": self.add(config), "size": len(config)},
            "layers": [
                {"mediaType": OCI_LAYER_GZIP, "digest": self.add(packed), "size": len(packed)}
                for packed in layers
            ],
        }
        data = json.dumps(manifest).encode()
        digest = self.add(data, OCI_MANIFEST)
        self.content[tag] = (OCI_MANIFEST, data)
        return digest
