"""Requests written by hand, for what no client library would send."""

import json
import socket
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: dict[str, str]  # keys in lower case
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def message(self) -> str:
        value = self.json()
        assert isinstance(value, dict)
        assert list(value) == ["message"]
        return str(value["message"])


class Wire:
    """One connection to a service."""

    def __init__(self, path: Path) -> None:
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(20)
        self.socket.connect(str(path))
        self.rest = b""

    def __enter__(self) -> "Wire":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.socket.close()

    def send(self, method: str, path: str, body: bytes = b"", /, **headers: str) -> None:
        lines = [f"{method} {path} HTTP/1.1", "Host: x"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        if body:
            lines.append(f"Content-Length: {len(body)}")
        self.socket.sendall("\r\n".join([*lines, "", ""]).encode() + body)

    def head(self) -> tuple[int, dict[str, str]]:
        while b"\r\n\r\n" not in self.rest:
            self.rest += self._received()
        head, _, self.rest = self.rest.partition(b"\r\n\r\n")
        first, *lines = head.decode().split("\r\n")
        headers = {}
        for line in lines:
            name, _, value = line.partition(": ")
            headers[name.lower()] = value
        return int(first.split()[1]), headers

    def _received(self) -> bytes:
        data = self.socket.recv(65536)
        assert data, "the connection ended too early"
        return data

    def take(self, count: int) -> bytes:
        while len(self.rest) < count:
            self.rest += self._received()
        taken, self.rest = self.rest[:count], self.rest[count:]
        return taken

    def to_end(self) -> bytes:
        while data := self.socket.recv(65536):
            self.rest += data
        return self.rest

    def answer(self, *, has_body: bool = True) -> Answer:
        status, headers = self.head()
        body = b""
        if not has_body or status in (204, 304):
            return Answer(status, headers, body)
        if headers.get("transfer-encoding") == "chunked":
            body = self.to_end_of_body()
        else:
            body = self.take(int(headers.get("content-length", "0")))
        return Answer(status, headers, body)

    def chunk(self) -> bytes:
        """One chunk of a body; for one that is still coming."""
        data = self.take(int(self._line(), 16))
        self.take(2)
        return data

    def to_end_of_body(self) -> bytes:
        body = b""
        while data := self.chunk():
            body += data
        return body

    def _line(self) -> bytes:
        while b"\r\n" not in self.rest:
            self.rest += self._received()
        line, _, self.rest = self.rest.partition(b"\r\n")
        return line


def ask(path: Path, method: str, target: str, body: object = None, **headers: str) -> Answer:
    """One request with a JSON body or none, and its answer."""
    data = b""
    if body is not None:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        headers.setdefault("Content_Type", "application/json")
    with Wire(path) as wire:
        wire.send(method, target, data, **headers)
        return wire.answer(has_body=method != "HEAD")
