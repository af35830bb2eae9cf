"""`RUN --mount`: what each kind shows, what of it counts for the cache, how it is made.

bind    files of a stage, an image or a context; read-only, or writable and thrown away
cache   a folder of the machine's that stays between builds, and is in no layer and no key
tmpfs   memory
secret  a file, or a variable, that is in no layer and no key
ssh     the socket of an agent
"""

import fcntl
import os
import posixpath
import stat
from collections.abc import Mapping
from contextlib import ExitStack
from hashlib import sha256
from pathlib import Path
from typing import Protocol

from wherry.build.executor import StepMount
from wherry.build.graph import Origin
from wherry.build.inputs import contents_of
from wherry.build.layer_writer import LayerWriter, Look
from wherry.build.source_trees import Found, SourceTree
from wherry.build.stage import StageWork
from wherry.build.steps import Step
from wherry.dockerfile.instructions import Run
from wherry.dockerfile.mounts import MountType, RunMount, Sharing
from wherry.errors import InvalidArgument, NotFound
from wherry.linux.openat import READABLE_DIRECTORY, opened
from wherry.values import dataclass, field

_SECRETS = "/run/secrets"
_AGENT_VARIABLE = "SSH_AUTH_SOCK"
_AGENT = "/run/buildkit/ssh_agent.{}"
CACHES = "mounts"


class SecretNotFound(NotFound):
    def __init__(self, name: str) -> None:
        super().__init__(f"secret {name}: not found", hint=f"hand it in with --secret id={name}")


class AgentNotFound(NotFound):
    def __init__(self, name: str) -> None:
        super().__init__(f"unset ssh forward key {name}", hint=f"hand it in with --ssh {name}")


@dataclass(frozen=True, slots=True)
class Made:
    """A mount for the time of one RUN, and variables that go with it."""

    mount: StepMount | None
    environment: Mapping[str, str] = field(default_factory=dict)
    """In place of what the image has under these names."""
    defaults: Mapping[str, str] = field(default_factory=dict)
    """Where nobody else sets them."""


class MountPlan(Protocol):
    @property
    def facts(self) -> Mapping[str, object]:
        """What of it the step's key depends on."""

    @property
    def files(self) -> Mapping[str, str]: ...

    def make(self, work: StageWork, folder: Path, undo: ExitStack) -> Made:
        """Make what is shown; `folder` is the step's staging folder."""


def plan_mounts(work: StageWork, step: Step) -> tuple[MountPlan, ...]:
    """The mounts of a RUN, those with files hashed."""
    run = step.instruction
    assert isinstance(run, Run)
    origins = list(step.sources)
    plans: list[MountPlan] = []
    agents = 0
    for mount in step.mounts:
        origin = origins.pop(0) if mount.from_ else None
        target = _target(work, mount)
        match mount.type:
            case MountType.BIND:
                plans.append(_bind(work, mount, target, origin))
            case MountType.CACHE:
                plans.append(CacheMount(mount, target, origin, _filled_from(work, origin)))
            case MountType.TMPFS:
                plans.append(TmpfsMount(mount, target))
            case MountType.SECRET:
                plans.append(SecretMount(mount, target))
            case MountType.SSH:
                target = target or _AGENT.format(agents)
                plans.append(AgentMount(mount, target, is_first=not agents))
                agents += 1
    return tuple(plans)


def _target(work: StageWork, mount: RunMount) -> str:
    if not mount.target:
        if mount.type in (MountType.BIND, MountType.CACHE, MountType.TMPFS):
            raise InvalidArgument(f"mount target is required for {mount.type} mounts")
        return ""
    base = work.draft.defaults.working_dir or "/"
    target = "/" + posixpath.normpath(posixpath.join("/", base, mount.target)).lstrip("/")
    if target == "/":
        raise InvalidArgument(f"invalid mount target {mount.target!r}")
    return target


def _look_facts(mount: RunMount) -> dict[str, object]:
    """Owner and mode, which a command sees, where they are not the usual ones."""
    values = {"uid": mount.uid, "gid": mount.gid, "mode": mount.mode}
    return {name: value for name, value in values.items() if value is not None}


def _filled_from(work: StageWork, origin: Origin | None) -> str:
    """The files that a cache begins with, by the layers or the folder that they are in."""
    return "" if origin is None else work.tree_of(origin).identity


def _tree(work: StageWork, origin: Origin | None) -> SourceTree:
    return work.order.context if origin is None else work.tree_of(origin)


@dataclass(frozen=True, slots=True)
class BindMount:
    target: str
    tree: SourceTree
    selected: list[Found]
    writable: bool
    content: str
    files: Mapping[str, str]

    @property
    def facts(self) -> Mapping[str, object]:
        return {"bind": self.target, "writable": self.writable, "content": self.content}

    def make(self, work: StageWork, folder: Path, undo: ExitStack) -> Made:
        del undo
        first = self.selected[0]
        is_directory = stat.S_ISDIR(first.status.st_mode)
        if not self.writable and self.tree.identity.startswith("path-") and not self.tree.ignore:
            # A context without rules is shown as it is.
            top = os.readlink(f"/proc/self/fd/{self.tree.root}")
            source = os.path.join(top, first.path).rstrip("/")
            return Made(StepMount(target=self.target, source=source))
        place = folder / f"bind-{sha256(self.target.encode()).hexdigest()[:16]}"
        place.mkdir(mode=0o755)
        with (
            opened(os.open(place, READABLE_DIRECTORY | os.O_CLOEXEC)) as root,
            LayerWriter(root, None, work.now_ns) as writer,
        ):
            name = "" if is_directory else "file"
            selected = self.selected if is_directory else [first._replace(target="")]
            writer.copy(self.tree, selected, name, Look())
        source = str(place) if is_directory else str(place / "file")
        return Made(StepMount(target=self.target, source=source, read_only=not self.writable))


def _bind(work: StageWork, mount: RunMount, target: str, origin: Origin | None) -> BindMount:
    tree = _tree(work, origin)
    (selected,) = tree.select(mount.source or "/") or ([],)
    contents = contents_of(tree, selected, work.stat_index(tree))
    return BindMount(target, tree, selected, not mount.read_only, contents.hash, contents.files)


@dataclass(frozen=True, slots=True)
class CacheMount:
    mount: RunMount
    target: str
    origin: Origin | None
    filled_from: str = ""
    files: Mapping[str, str] = field(default_factory=dict)

    @property
    def facts(self) -> Mapping[str, object]:
        # What is in it never enters a key; whose it is does, and what it begins with.
        facts = {"cache": self.target, "id": self.mount.id or self.target}
        if self.filled_from:
            facts["from"] = f"{self.filled_from} {self.mount.source or '/'}"
        if self.mount.read_only:
            facts["read-only"] = "true"
        return {**facts, **_look_facts(self.mount)}

    def make(self, work: StageWork, folder: Path, undo: ExitStack) -> Made:
        del folder
        parent = work.workshop.store.root / "build" / CACHES
        parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        name = sha256((self.mount.id or self.target).encode()).hexdigest()[:32]
        place = self._held(parent, name, undo)
        if not (place / "data").exists():
            self._fill(work, place)
        os.utime(place)  # when it was last used
        source = str(place / "data")
        return Made(StepMount(target=self.target, source=source, read_only=self.mount.read_only))

    def _held(self, parent: Path, name: str, undo: ExitStack) -> Path:
        """The folder, locked as the mount's sharing asks for."""
        number = 0
        while True:
            place = parent / (name if number == 0 else f"{name}-{number}")
            place.mkdir(mode=0o700, exist_ok=True)
            (place / "id").write_text(self.mount.id or self.target)
            descriptor = os.open(place, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            undo.callback(os.close, descriptor)
            if self.mount.sharing is Sharing.PRIVATE:
                try:
                    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    number += 1  # somebody has it: another one of the same name
                    continue
            else:
                locked = self.mount.sharing is Sharing.LOCKED
                fcntl.flock(descriptor, fcntl.LOCK_EX if locked else fcntl.LOCK_SH)
            return place

    def _fill(self, work: StageWork, place: Path) -> None:
        mount = self.mount
        with work.workshop.store.staging_folder() as staging:
            data = staging / "data"
            data.mkdir()
            if self.origin is not None:
                tree = work.tree_of(self.origin)
                with (
                    opened(os.open(data, READABLE_DIRECTORY | os.O_CLOEXEC)) as root,
                    LayerWriter(root, None, work.now_ns) as writer,
                ):
                    for selected in tree.select(mount.source or "/"):
                        writer.copy(tree, selected, "", Look())
            os.chown(data, mount.uid or 0, mount.gid or 0)
            os.chmod(data, 0o755 if mount.mode is None else mount.mode)
            try:
                os.rename(data, place / "data")
            except OSError:
                if not (place / "data").is_dir():  # a simultaneous build was faster
                    raise


@dataclass(frozen=True, slots=True)
class TmpfsMount:
    mount: RunMount
    target: str
    files: Mapping[str, str] = field(default_factory=dict)

    @property
    def facts(self) -> Mapping[str, object]:
        return {"tmpfs": self.target, "size": self.mount.size}

    def make(self, work: StageWork, folder: Path, undo: ExitStack) -> Made:
        del work, folder, undo
        size = (f"size={self.mount.size}",) if self.mount.size else ()
        options = ("nosuid", "nodev", "mode=1777", *size)
        return Made(StepMount(target=self.target, type="tmpfs", source="tmpfs", options=options))


@dataclass(frozen=True, slots=True)
class SecretMount:
    mount: RunMount
    target: str
    files: Mapping[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return self.mount.id or self.mount.source or posixpath.basename(self.target)

    @property
    def facts(self) -> Mapping[str, object]:
        look = _look_facts(self.mount)
        return {"secret": self.name, "target": self.target, "env": self.mount.env, **look}

    def make(self, work: StageWork, folder: Path, undo: ExitStack) -> Made:
        secret = work.order.secrets.get(self.name)
        if secret is None:
            if self.mount.required:
                raise SecretNotFound(self.name)
            return Made(None)
        data = secret.read()
        variables = {}
        if self.mount.env is not None:
            variables[self.mount.env or self.name] = data.decode(errors="surrogateescape")
            if not self.target:
                return Made(None, variables)
        target = self.target or f"{_SECRETS}/{self.name}"
        path = folder / f"secret-{sha256(target.encode()).hexdigest()[:16]}"
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o400)
        undo.callback(path.unlink)
        with opened(descriptor), open(descriptor, "wb", closefd=False) as file:
            file.write(data)
            os.fchown(descriptor, self.mount.uid or 0, self.mount.gid or 0)
            os.fchmod(descriptor, 0o400 if self.mount.mode is None else self.mount.mode)
        return Made(StepMount(target=target, source=str(path)), variables)


@dataclass(frozen=True, slots=True)
class AgentMount:
    mount: RunMount
    target: str
    is_first: bool = True
    files: Mapping[str, str] = field(default_factory=dict)

    @property
    def facts(self) -> Mapping[str, object]:
        return {
            "ssh": self.mount.id or "default",
            "target": self.target,
            **_look_facts(self.mount),
        }

    def make(self, work: StageWork, folder: Path, undo: ExitStack) -> Made:
        from wherry.build.agent_forwarding import forwarded_agent  # for the few steps with an agent

        # The variable is there whether the agent is or not, as in BuildKit.
        variables = {_AGENT_VARIABLE: self.target} if self.is_first else {}
        name = self.mount.id or "default"
        agent = work.order.ssh.get(name)
        if agent is None:
            if self.mount.required:
                raise AgentNotFound(name)
            return Made(None, defaults=variables)
        place = folder / f"agent-{sha256(self.target.encode()).hexdigest()[:16]}"
        mode = 0o600 if self.mount.mode is None else self.mount.mode
        owner = (self.mount.uid or 0, self.mount.gid or 0)
        undo.enter_context(forwarded_agent(agent, place, uid=owner[0], gid=owner[1], mode=mode))
        mount = StepMount(target=self.target, source=str(place), read_only=False)
        return Made(mount, defaults=variables)
