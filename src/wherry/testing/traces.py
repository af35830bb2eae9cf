"""What containers could leave behind: mounts, cgroups, links, processes, rules, rows, files.

A test suite takes a `survey` before and after and compares; whatever came and stayed is a leak.
"""

import json
import os
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from wherry.testing.waiting import none_of
from wherry.values import dataclass, fields

_STAYING = (
    *("launcher.sock", "launcher.lock", "launcher.log", "firewall", "firewall.lock"),
    "builds",  # asks launchers to hold the builder
)


@dataclass(frozen=True)
class Survey:
    mounts: frozenset[str]
    cgroups: frozenset[str]
    links: frozenset[str]
    processes: frozenset[str]
    namespaces: frozenset[str]  # of networks, that processes are in or mounts hold
    rules: frozenset[str]  # of the packet filter, and elements of its sets and maps
    files: frozenset[str]  # that no row accounts for
    claims: frozenset[str]  # of addresses and ports, by containers that do not run

    def new_since(self, earlier: "Survey") -> list[str]:
        """What is here now and was not `earlier`, a line each."""
        return [
            f"{field.name[:-1]}: {thing}"
            for field in fields(self)
            for thing in sorted(getattr(self, field.name) - getattr(earlier, field.name))
        ]


def survey(root: Path, run: Path) -> Survey:
    """What belongs to the installation in these folders, or is Wherry's by its name."""
    marks = (str(root), str(run))
    return Survey(
        mounts=frozenset(_mounts(marks)),
        cgroups=frozenset(_cgroups()),
        links=frozenset(_links()),
        processes=frozenset(_processes(marks)),
        namespaces=frozenset(_namespaces()),
        rules=frozenset(_rules()),
        files=frozenset(_files(root, run)),
        claims=frozenset(_claims(root)),
    )


def nothing_left(root: Path, run: Path, before: Survey, *, seconds: float = 20.0) -> None:
    """Wait until everything is as it was `before`, or raise AssertionError with what is left."""
    none_of(lambda: survey(root, run).new_since(before), seconds=seconds)


def remove_empty_cgroups() -> None:
    """Those that all installations share stay while one of them has a process; now none does."""
    for pattern in ("wherry", "wherry-shims", "*/wherry", "*/wherry-shims"):
        for folder in Path("/sys/fs/cgroup").glob(pattern):
            with suppress(OSError):  # another installation's are in it
                folder.rmdir()


def left_on_disk(root: Path, run: Path) -> list[str]:
    """The files and claims of a survey, which are found fast."""
    return sorted([*_files(root, run), *_claims(root)])


def _mounts(marks: tuple[str, ...]) -> Iterator[str]:
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        # Whole folders: another suite's name may begin as this one's does.
        if any(f"{mark}/" in line for mark in marks):
            yield line.split()[4]


def _cgroups() -> Iterator[str]:
    for folder, names, _ in os.walk("/sys/fs/cgroup"):
        if folder.endswith("/wherry"):
            yield from (f"{folder}/{name}" for name in names)
            names.clear()


def _links() -> Iterator[str]:
    yield from (
        name
        for name in os.listdir("/sys/class/net")
        if name.startswith("wh") and not name.startswith("wherry")  # bridges stay
    )


def _processes(marks: tuple[str, ...]) -> Iterator[str]:
    for name in os.listdir("/proc"):
        if not name.isdigit() or int(name) == os.getpid():
            continue
        try:
            words = Path("/proc", name, "cmdline").read_bytes().split(b"\0")
            environment = Path("/proc", name, "environ").read_bytes()
            groups = Path("/proc", name, "cgroup").read_text()
        except OSError:
            continue
        text = b" ".join(words).decode(errors="replace")
        ours = any(mark in text or mark.encode() in environment for mark in marks)
        if ours or ":/wherry/" in groups:  # a container's own process
            yield f"{name} {text.strip()}"


def _namespaces() -> Iterator[str]:
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            groups = Path("/proc", name, "cgroup").read_text()
            if ":/.." not in groups:  # of another container or sandbox than we are in ourselves
                yield os.readlink(f"/proc/{name}/ns/net")
        except OSError:
            continue
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        if "net:[" in line:
            yield line.split()[3]


def _rules() -> Iterator[str]:
    """Rules and elements in our tables, and what we put among the host's rules."""
    nft = shutil.which("nft", path=os.environ.get("PATH", "") + ":/usr/sbin")
    if nft is None or os.geteuid() != 0:
        return
    listed = subprocess.run(
        [nft, "--json", "--stateless", "list", "ruleset"], capture_output=True, check=True
    )
    for entry in json.loads(listed.stdout)["nftables"]:
        ((kind, thing),) = entry.items()
        table = str(thing.get("table", ""))
        if kind == "rule" and (
            table.startswith("wherry") or str(thing.get("comment", "")).startswith("wherry")
        ):
            yield f"{table} {thing['chain']} {json.dumps(thing['expr'])}"
        elif kind in ("set", "map") and table.startswith("wherry"):
            for element in thing.get("elem", ()):
                yield f"{table} {thing['name']} {json.dumps(element)}"


def _files(root: Path, run: Path) -> Iterator[str]:
    """Staged files, folders without a row, and everything in RUN but what serves all commands."""
    known = _known_names(root)
    for folder in ("containers", "volumes", "layers"):
        for name in _names_in(root / folder):
            if name not in known.get(folder, ()):
                yield f"{root}/{folder}/{name}"
    yield from (f"{root}/tmp/{name}" for name in _names_in(root / "tmp") if name != ".gate")
    # The folder of a running container is its supervisor's.
    running = known.get("running", set())
    for name in _names_in(run / "containers"):
        if name not in running:
            yield f"{run}/containers/{name}"
    for name in _names_in(run):
        if name not in (*_STAYING, "containers"):
            yield f"{run}/{name}"


def _names_in(folder: Path) -> list[str]:
    try:
        return os.listdir(folder)
    except FileNotFoundError:
        return []


def _known_names(root: Path) -> dict[str, set[str]]:
    running = "SELECT id FROM containers WHERE status IN ('running', 'paused', 'restarting')"
    return {
        "containers": column(root, "SELECT id FROM containers"),
        "volumes": column(root, "SELECT name FROM volumes"),
        "layers": column(root, "SELECT id FROM layers") | {"l", "init", "empty"},
        "running": column(root, running),
    }


def _claims(root: Path) -> Iterator[str]:
    stopped = (
        "NOT IN (SELECT id FROM containers WHERE status IN ('running', 'paused', 'restarting'))"
    )
    for table in ("endpoints", "published_ports"):
        for name in column(root, f"SELECT container_id FROM {table} WHERE container_id {stopped}"):
            yield f"{table} {name}"


def column(root: Path, query: str) -> set[str]:
    """What a query finds in the database of an installation, if there is one."""
    path = root / "wherry.db"
    if not path.exists():
        return set()
    connection = sqlite3.connect(path, timeout=10)
    try:
        return {str(row[0]) for row in connection.execute(query)}
    finally:
        connection.close()
