"""The packages of an image and their versions, read out of its files.

By package manager: what dpkg, apk, rpm, pip, npm and gem have written down. Nothing of it runs.
"""

import os
import re
import stat
from collections.abc import Iterator
from typing import TYPE_CHECKING

from wherry.engine.images import rpm_database
from wherry.linux.openat import READABLE_DIRECTORY, open_in_root, opened
from wherry.store.images import find_image, layers_of
from wherry.store.snapshots import open_view

if TYPE_CHECKING:
    from wherry.engine.engine import Engine

LARGEST = 64 << 20  # bytes of a file that is read
_MOST_ENTRIES = 20_000
_PYTHONS = (
    *("usr/lib/python3/dist-packages", "usr/local/lib/python*/site-packages"),
    *("usr/lib/python*/site-packages", "usr/local/lib/python*/dist-packages"),
    *("opt/*/lib/python*/site-packages", "venv/lib/python*/site-packages"),
)
_MODULES = ("usr/local/lib/node_modules", "usr/lib/node_modules")
_GEMS = (
    *("usr/local/bundle/specifications", "usr/local/lib/ruby/gems/*/specifications"),
    *("var/lib/gems/*/specifications", "usr/lib/ruby/gems/*/specifications"),
)
_GEM = re.compile(r"(.+)-(\d[\w.]*)\.gemspec")
_DIST = re.compile(r"(.+)-([^-]+)\.dist-info")


def installed_packages(engine: "Engine", name: str) -> dict[str, dict[str, str]]:
    """Versions by manager and package of the image called `name`; NoSuchImage."""
    connection = engine.store.database.connection
    layers = layers_of(connection, find_image(connection, name).id)
    with opened(open_view(engine.store, layers[-1] if layers else None)) as root:
        return {
            "apt": dict(_dpkg(_read(root, "var/lib/dpkg/status"))),
            "apk": dict(_apk(_read(root, "lib/apk/db/installed"))),
            "rpm": dict(_rpm(root)),
            "pip": dict(_pip(root)),
            "npm": dict(_npm(root)),
            "gem": dict(_gems(root)),
        }


def _dpkg(text: str) -> Iterator[tuple[str, str]]:
    for record in text.split("\n\n"):
        fields = _fields(record, ": ")
        if fields.get("Status", "").endswith(" installed") and "Version" in fields:
            yield fields.get("Package", ""), fields["Version"]


def _apk(text: str) -> Iterator[tuple[str, str]]:
    for record in text.split("\n\n"):
        fields = _fields(record, ":")
        if "P" in fields and "V" in fields:
            yield fields["P"], fields["V"]


def _rpm(root: int) -> Iterator[tuple[str, str]]:
    for path in rpm_database.PATHS:
        if data := _bytes(root, path):
            yield from rpm_database.packages_of(data)


def _fields(record: str, sign: str) -> dict[str, str]:
    lines = (line.partition(sign) for line in record.split("\n") if not line.startswith(" "))
    fields: dict[str, str] = {}
    for name, found, value in lines:
        if found:
            fields.setdefault(name, value)
    return fields


def _pip(root: int) -> Iterator[tuple[str, str]]:
    for pattern in _PYTHONS:
        for folder in _folders(root, pattern):
            for entry in _list(root, folder):
                if match := _DIST.fullmatch(entry):
                    yield re.sub(r"[-_.]+", "-", match[1]).lower(), match[2]


def _npm(root: int) -> Iterator[tuple[str, str]]:
    import json  # most images have none

    for modules in _MODULES:
        names = _list(root, modules)
        scoped = [
            f"{scope}/{name}"
            for scope in names
            if scope.startswith("@")
            for name in _list(root, f"{modules}/{scope}")
        ]
        for name in [*names, *scoped]:
            try:
                document = json.loads(_read(root, f"{modules}/{name}/package.json") or "null")
            except ValueError:
                continue
            if isinstance(document, dict) and isinstance(document.get("version"), str):
                yield name, document["version"]


def _gems(root: int) -> Iterator[tuple[str, str]]:
    for pattern in _GEMS:
        for folder in _folders(root, pattern):
            for entry in _list(root, folder):
                if match := _GEM.fullmatch(entry):
                    yield match[1], match[2]


def _folders(root: int, pattern: str) -> list[str]:
    """The folders that a path with stars as whole or ends of its parts means."""
    found = [""]
    for part in pattern.split("/"):
        if "*" not in part:
            found = [f"{folder}/{part}" if folder else part for folder in found]
            continue
        front = part.rstrip("*")
        found = [
            f"{folder}/{entry}"
            for folder in found
            for entry in _list(root, folder)
            if entry.startswith(front)
        ]
    return found


def _list(root: int, path: str) -> list[str]:
    try:
        with opened(open_in_root(root, path or ".", READABLE_DIRECTORY)) as descriptor:
            return sorted(os.listdir(descriptor))[:_MOST_ENTRIES]
    except OSError:
        return []


def _read(root: int, path: str) -> str:
    return _bytes(root, path).decode("utf-8", "replace")


def _bytes(root: int, path: str) -> bytes:
    """A file's content; nothing where there is none, or one that nobody would have written."""
    try:
        descriptor = open_in_root(root, path, os.O_RDONLY | os.O_NONBLOCK)
    except OSError:
        return b""
    with opened(descriptor), open(descriptor, "rb", closefd=False) as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            return b""
        data = file.read(LARGEST + 1)
    return b"" if len(data) > LARGEST else data
