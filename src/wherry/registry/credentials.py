"""Credentials as Docker keeps them: config.json, and the helper programs that it names.

    {"auths": {"registry.example:5000": {"auth": base64("name:password"), "identitytoken": ...}},
     "credsStore": "pass",                    a helper for every registry
     "credHelpers": {"gcr.io": "gcloud"}}     or for one

The file is $DOCKER_CONFIG/config.json or ~/.docker/config.json, shared with the docker command:
what is not ours in it stays. Docker Hub's key is an address of its first days.
"""

import base64
import binascii
import json
import os
from collections.abc import Mapping
from pathlib import Path

from wherry.errors import InvalidArgument
from wherry.linux.files import write_atomically
from wherry.linux.locks import locked_by_name
from wherry.oci.reference import DEFAULT_DOMAIN
from wherry.registry.helpers import Helper
from wherry.values import dataclass

HUB_SERVER = "https://index.docker.io/v1/"
_HUB_NAMES = frozenset({DEFAULT_DOMAIN, "index.docker.io", "registry-1.docker.io"})
_LARGEST_FILE = 4 << 20


class InvalidConfigFile(InvalidArgument):
    def __init__(self, path: Path, problem: str) -> None:
        super().__init__(f"error loading config file: {path}: {problem}")
        self.path = path


@dataclass(frozen=True, kw_only=True, slots=True)
class Credential:
    """What proves who someone is. An identity token stands in for the password."""

    username: str = ""
    password: str = ""
    identity_token: str = ""
    registry_token: str = ""

    def __repr__(self) -> str:
        return f"Credential(username={self.username!r}, ...)"  # tracebacks get pasted around

    @property
    def basic(self) -> str:
        """The value of an Authorization header of the Basic scheme."""
        pair = f"{self.username}:{self.password}".encode()
        return "Basic " + base64.b64encode(pair).decode()


def server_of(domain: str) -> str:
    """The key under which the credentials of the registry `domain` are kept."""
    return HUB_SERVER if domain in _HUB_NAMES else domain


class CredentialFile:
    """Docker's configuration file. Each call reads it afresh: another command may have written."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def of(cls, environ: Mapping[str, str]) -> "CredentialFile":
        """The file that the docker command would use."""
        folder = environ.get("DOCKER_CONFIG")
        base = Path(folder) if folder else Path(environ.get("HOME") or "/root") / ".docker"
        return cls(base / "config.json")

    def get(self, server: str) -> Credential | None:
        """What is kept for `server`, by its helper or in the file."""
        document = self._load()
        entry = _entry(document, server)
        if (helper := _helper(document, server)) is not None:
            if (found := helper.get(server)) is None:
                return None
            name, secret = found
            if name == "<token>":
                return Credential(identity_token=secret)
            return Credential(username=name, password=secret)
        return None if entry is None else self._credential(entry)

    def store(self, server: str, credential: Credential) -> bool:
        """Keep `credential`; whether it now lies unencrypted in the file."""
        with self._changing() as document:
            helper = _helper(document, server)
            if helper is not None:
                if credential.identity_token:
                    helper.store(server, "<token>", credential.identity_token)
                else:
                    helper.store(server, credential.username, credential.password)
                entry: dict[str, str] = {}
            else:
                entry = _document_of(credential)
            auths = document.setdefault("auths", {})
            if not isinstance(auths, dict):
                raise InvalidConfigFile(self.path, "auths must be an object")
            auths[server] = entry
            self._save(document)
        return helper is None

    def erase(self, server: str) -> bool:
        """Forget what is kept for `server`; False if nothing was."""
        with self._changing() as document:
            helper = _helper(document, server)
            known = helper is not None and helper.get(server) is not None
            if helper is not None and known:
                helper.erase(server)
            auths = document.get("auths")
            names = []
            if isinstance(auths, dict):
                names = [name for name in auths if _same(name, server)]
                for name in names:
                    del auths[name]
            if names:
                self._save(document)
        return known or bool(names)

    def _changing(self) -> "_Change":
        return _Change(self)

    def _load(self) -> dict[str, object]:
        try:
            with self.path.open("rb") as file:
                data = file.read(_LARGEST_FILE)
        except (FileNotFoundError, NotADirectoryError):
            return {}
        except OSError as error:
            raise InvalidConfigFile(self.path, (error.strerror or "").lower()) from error
        try:
            document = json.loads(data or b"{}")
        except (ValueError, RecursionError) as error:
            raise InvalidConfigFile(self.path, str(error)) from None
        if not isinstance(document, dict):
            raise InvalidConfigFile(self.path, "is no JSON object")
        return document

    def _save(self, document: dict[str, object]) -> None:
        text = json.dumps(document, indent="\t", ensure_ascii=False)
        # A link, as in people's dotfiles, stays one.
        write_atomically(os.path.realpath(self.path), text.encode(), 0o600)

    def _credential(self, entry: Mapping[str, object]) -> Credential:
        username, password = _text(entry, "username"), _text(entry, "password")
        if auth := _text(entry, "auth"):
            try:
                decoded = base64.b64decode(auth, validate=True).decode()
            except (binascii.Error, UnicodeDecodeError):
                raise InvalidConfigFile(self.path, "an auth is not base64") from None
            username, _, password = decoded.partition(":")
        return Credential(
            username=username,
            password=password.rstrip("\0"),
            identity_token=_text(entry, "identitytoken"),
            registry_token=_text(entry, "registrytoken"),
        )


class _Change:
    """The file's document, for one writer of ours at a time."""

    def __init__(self, file: CredentialFile) -> None:
        self._file = file

    def __enter__(self) -> dict[str, object]:
        folder = self._file.path.parent
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._lock = locked_by_name(folder / ".config.json.wherry-lock")
        self._lock.__enter__()
        try:
            return self._file._load()
        except BaseException:
            self._lock.__exit__(None, None, None)
            raise

    def __exit__(self, *_error: object) -> None:
        self._lock.__exit__(None, None, None)


def _helper(document: Mapping[str, object], server: str) -> Helper | None:
    helpers = document.get("credHelpers")
    name = helpers.get(_host(server)) if isinstance(helpers, dict) else None
    if name is None and isinstance(helpers, dict):
        name = helpers.get(server)
    name = name or document.get("credsStore")
    return Helper(name) if isinstance(name, str) and name else None


def _entry(document: Mapping[str, object], server: str) -> Mapping[str, object] | None:
    auths = document.get("auths")
    if not isinstance(auths, dict):
        return None
    entry = auths.get(server)
    if entry is None:  # older clients wrote addresses
        entry = next((auths[name] for name in auths if _same(name, server)), None)
    return entry if isinstance(entry, dict) else None


def _same(key: str, server: str) -> bool:
    return key == server or _host(key) == _host(server)


def _host(address: str) -> str:
    return address.rpartition("://")[2].partition("/")[0]


def _text(entry: Mapping[str, object], key: str) -> str:
    value = entry.get(key)
    return value if isinstance(value, str) else ""


def _document_of(credential: Credential) -> dict[str, str]:
    # Docker keeps the name beside an identity token in the same field, without a password.
    pair = f"{credential.username}:{'' if credential.identity_token else credential.password}"
    document = {"auth": base64.b64encode(pair.encode()).decode()}
    if credential.identity_token:
        document["identitytoken"] = credential.identity_token
    return document
