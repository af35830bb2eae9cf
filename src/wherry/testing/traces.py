"""What containers could leave on a host: mounts, cgroups, links, processes, rules.

A test suite takes a `survey` before and after and compares; whatever came and stayed is a leak.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path


@dataclass(frozen=True)
class Survey:
    mounts: frozenset[str]
    cgroups: frozenset[str]
    links: frozenset[str]
    processes: frozenset[str]

    def new_since(self, earlier: "Survey") -> list[str]:
        """What is here now and was not `earlier`, a line each."""
        return [
            f"{field.name[:-1]}: {thing}"
            for field in fields(self)
            for thing in sorted(getattr(self, field.name) - getattr(earlier, field.name))
        ]


def survey(marks: tuple[str, ...]) -> Survey:
    """What carries one of `marks` (a root folder, a container ID) or is Wherry's by its name."""
    return Survey(
        mounts=frozenset(_mounts(marks)),
        cgroups=frozenset(_cgroups()),
        links=frozenset(_links()),
        processes=frozenset(_processes(marks)),
    )


def _mounts(marks: tuple[str, ...]) -> Iterator[str]:
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        if any(mark in line for mark in marks):
            yield line.split()[4]


def _cgroups() -> Iterator[str]:
    for folder, names, _ in os.walk("/sys/fs/cgroup"):
        if folder.endswith("/wherry"):
            yield from (f"{folder}/{name}" for name in names)
            names.clear()


def _links() -> Iterator[str]:
    yield from (
        name for name in os.listdir("/sys/class/net") if name.startswith("wh") and name != "wherry0"
    )


def _processes(marks: tuple[str, ...]) -> Iterator[str]:
    for name in os.listdir("/proc"):
        if not name.isdigit() or int(name) == os.getpid():
            continue
        try:
            words = Path("/proc", name, "cmdline").read_bytes().split(b"\0")
            environment = Path("/proc", name, "environ").read_bytes()
        except OSError:
            continue
        text = b" ".join(words).decode(errors="replace")
        if any(mark in text or mark.encode() in environment for mark in marks):
            yield f"{name} {text.strip()}"
