"""What `wherry-runtime` remembers of a container between its commands: a folder per container.

    ROOT/<id>/state.json   written once the process exists
    ROOT/<id>/exec.fifo    there until `start`, which writes to it: init reads from it

A pid is never trusted alone: with its start time it names one process.
"""

import json
import os
import re
import signal
from contextlib import suppress
from pathlib import Path

from wherry.errors import Conflict, InvalidArgument
from wherry.linux.cgroup.manager import CgroupManager, open_manager
from wherry.linux.files import remove_tree, write_atomically
from wherry.linux.process import open_process, process_state
from wherry.oci.codec import from_json, to_json
from wherry.oci.runtime_spec import Spec
from wherry.runtime.errors import ContainerExists, NoSuchContainer
from wherry.values import dataclass, field

FIFO = "exec.fifo"
_ID = re.compile(r"[\w+.-]+", re.ASCII)


@dataclass(frozen=True, kw_only=True, slots=True)
class ContainerState:
    """The content of state.json."""

    id: str
    pid: int
    start_time: int
    bundle: str
    rootfs: str
    created: str
    cgroup: str  # "" for a container of an ordinary user that has none
    spec: Spec
    scope: bool = False  # the cgroup is one that systemd made
    annotations: dict[str, str] = field(default_factory=dict)


class ContainerFolder:
    """The folder of one container; `state` is read when asked for."""

    def __init__(self, root: Path, container_id: str) -> None:
        if not _ID.fullmatch(container_id) or container_id in (".", ".."):
            raise InvalidArgument(f"invalid container ID: {container_id!r}")
        self.id = container_id
        self.path = root / container_id
        self.fifo = self.path / FIFO

    def make(self) -> None:
        """Make the folder and the FIFO, or raise ContainerExists."""
        self.path.parent.mkdir(mode=0o711, parents=True, exist_ok=True)
        try:
            self.path.mkdir(mode=0o711)
        except FileExistsError:
            raise ContainerExists(self.id) from None
        os.mkfifo(self.fifo, 0o600)

    def save(self, state: ContainerState) -> None:
        text = json.dumps(to_json(state)).encode()
        write_atomically(self.path / "state.json", text, mode=0o600, durable=False)

    def load(self) -> ContainerState:
        """What was saved, or NoSuchContainer."""
        try:
            text = (self.path / "state.json").read_bytes()
        except FileNotFoundError:
            raise NoSuchContainer(self.id) from None
        return from_json(ContainerState, json.loads(text))

    def remove(self) -> None:
        with suppress(FileNotFoundError):
            remove_tree(self.path)

    def status(self, state: ContainerState) -> str:
        """created, running, paused or stopped, as the runtime specification names them."""
        if not is_alive(state):
            return "stopped"
        if self.fifo.exists():
            return "created"
        return "paused" if state.cgroup and cgroup_of(state).frozen else "running"


class NoCgroup(Conflict):
    def __init__(self, container_id: str) -> None:
        super().__init__(f"container {container_id} has no cgroup: its user may not make any")


def cgroup_of(state: ContainerState) -> CgroupManager:
    """The container's cgroup, or NoCgroup."""
    if not state.cgroup:
        raise NoCgroup(state.id)
    return open_manager(state.cgroup)


def is_alive(state: ContainerState) -> bool:
    """Whether the container's first process is there and not a zombie."""
    try:
        pidfd = open_process(state.pid, state.start_time)
    except ProcessLookupError:
        return False
    os.close(pidfd)
    try:
        return process_state(state.pid) not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


def signal_process(state: ContainerState, number: int) -> bool:
    """Send a signal to the first process; False if it is gone."""
    try:
        pidfd = open_process(state.pid, state.start_time)
        try:
            signal.pidfd_send_signal(pidfd, number)
        finally:
            os.close(pidfd)
    except ProcessLookupError:
        return False
    return True
