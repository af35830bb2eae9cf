"""RUN: a command on an overlay of the layers so far; what it changes is the new layer."""

import os
import stat
from contextlib import ExitStack
from pathlib import Path

from wherry.build.configuration import Draft
from wherry.build.errors import ProcessFailed
from wherry.build.executor import Output, RunRequest, StepMount
from wherry.build.inputs import StepInputs
from wherry.build.mounts import MountPlan, plan_mounts
from wherry.build.scope import PROXY_ARGUMENTS, Origin, Scope
from wherry.build.stage import Prepared, StageWork
from wherry.build.steps import Step
from wherry.dockerfile.heredocs import parse_mark
from wherry.dockerfile.instructions import Run
from wherry.dockerfile.mounts import read_device
from wherry.errors import NotFound, PermissionDenied, WherryError, kind_of, rebuilt
from wherry.linux.files import remove_tree
from wherry.linux.openat import DIRECTORY, open_beneath, opened
from wherry.values import dataclass, replace

DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_PIPES = "/dev/pipes"
_SHELL_HINT = "for a shell in what the step left, build with --on-error shell"


class InsecureNotAllowed(PermissionDenied):
    def __init__(self) -> None:
        super().__init__(
            "granting entitlement security.insecure is not allowed by build daemon configuration",
            hint="allow it with --allow security.insecure",
        )


class HostNetworkNotAllowed(PermissionDenied):
    def __init__(self) -> None:
        super().__init__(
            "network.host is not allowed",
            hint="allow it with --allow network.host, or for all steps with --network host",
        )


class NoSuchDevice(NotFound):
    """In BuildKit's words."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f'required device "{name}" is not registered',
            hint="this engine reads no CDI specifications: no device is",
        )


@dataclass(frozen=True, slots=True)
class Command:
    """What is executed, and the script that it is, if it has one of its own."""

    words: tuple[str, ...]
    script: tuple[str, str] | None = None
    """Name and text of a heredoc that begins with `#!`."""

    @property
    def text(self) -> str:
        return " ".join(self.words)


def command_of(draft: Draft, run: Run) -> Command:
    """The command of a RUN, its heredocs taken in as BuildKit does."""
    if not run.files:
        return Command(draft.command(run.command))
    text = " ".join(run.command.texts)
    first = run.files[0]
    if parse_mark(text) is None:
        documents = "".join(f"\n{file.content}{file.name}" for file in run.files)
        return Command((*draft.shell, text + documents))
    if first.text.startswith("#!"):
        return Command((*draft.shell, f"{_PIPES}/{first.name}"), (first.name, first.text))
    return Command((*draft.shell, first.text))


def prepare_run(work: StageWork, step: Step, output: Output) -> Prepared:
    """The RUN with all that its key needs; mounts of files are hashed."""
    run = step.instruction
    assert isinstance(run, Run)
    if run.security == "insecure" and not work.order.allow_insecure:
        raise InsecureNotAllowed
    if run.network == "host" and not work.order.allow_host_network:
        raise HostNetworkNotAllowed
    missing = tuple(read_device(word.text) for word in run.devices)
    for device in missing:
        if device.required:
            raise NoSuchDevice(device.name)
    command = command_of(work.draft, run)
    mounts = plan_mounts(work, step)
    environment, arguments = _variables(step.scope)
    defaults = work.draft.defaults
    network = run.network if run.network != "default" else work.order.network
    facts: dict[str, object] = {
        "instruction": "RUN",
        "command": command.words,
        "script": command.script,
        "environment": environment,
        "arguments": arguments,
        "user": defaults.user,
        "directory": defaults.working_dir or "/",
        "mounts": [mount.facts for mount in mounts],
        "network": network,
        "security": run.security,
        **work.order.settings,
        **work.parent_facts,
    }
    files = {name: word for mount in mounts for name, word in mount.files.items()}
    variables = {**environment, **_proxies(work), **arguments}
    variables.setdefault("PATH", DEFAULT_PATH)
    request = _Request(
        work=work,
        command=command,
        environment=variables,
        mounts=mounts,
        network=network,
        insecure=run.security == "insecure",
        output=output,
        missing=tuple(device.name for device in missing),
    )
    return Prepared(
        inputs=StepInputs(facts, files, work.is_base),
        history=f"RUN {_arguments_shown(step.scope)}{command.text} # buildkit",
        kind="regular",
        carry_out=request.carry_out,
    )


def _variables(scope: Scope) -> tuple[dict[str, str], dict[str, str]]:
    """The environment that images keep, and the arguments on top of it."""
    environment: dict[str, str] = {}
    arguments: dict[str, str] = {}
    for name, value in scope.values_by_name.items():
        kept = value.origin in (Origin.ENV, Origin.BASE_IMAGE)
        (environment if kept else arguments)[name] = value.text
    return environment, arguments


def _proxies(work: StageWork) -> dict[str, str]:
    """Proxies of --build-arg in both cases, which every RUN sees and no key knows."""
    proxies: dict[str, str] = {}
    for name, value in work.order.build_args.items():
        if name.upper() in PROXY_ARGUMENTS:
            proxies |= {name.upper(): value, name.lower(): value}
    return proxies


def _arguments_shown(scope: Scope) -> str:
    """What ARGs have declared, as BuildKit's history has it: in their order, with or without a
    value."""
    words = [f"{name}={scope.get(name, '')}" for name in scope.arguments]
    return f"|{len(words)} {' '.join(words)} " if words else ""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Request:
    """Carries the command out in a staging folder."""

    work: StageWork
    command: Command
    environment: dict[str, str]
    mounts: tuple[MountPlan, ...]
    network: str
    insecure: bool
    output: Output
    missing: tuple[str, ...] = ()
    """Devices that it can do without."""

    def carry_out(self, folder: Path) -> None:
        work = self.work
        for name in self.missing:
            self.output(2, f"device {name} is not registered: done without it\n".encode())
        (folder / "work").mkdir(mode=0o700, exist_ok=True)
        with ExitStack() as undo:
            made = [mount.make(work, folder, undo) for mount in self.mounts]
            shown = [one.mount for one in made if one.mount is not None]
            if self.command.script is not None:
                shown.append(_script(self.command.script, folder))
            variables = dict(self.environment)
            for one in made:
                variables = {**one.defaults, **variables, **one.environment}
            stubs = _Stubs(work, [mount.target for mount in shown])
            request = RunRequest(
                arguments=self.command.words,
                environment=tuple(f"{name}={value}" for name, value in variables.items()),
                user=work.draft.defaults.user,
                working_directory=work.draft.defaults.working_dir or "/",
                top=work.top,
                folder=folder,
                mounts=tuple(shown),
                network=self.network,
                insecure=self.insecure,
            )
            try:
                status = work.workshop.executor.run(request, self.output)
            except WherryError as error:
                raise _of_foreign(error, work) from error
            if status != 0:
                hint = _SHELL_HINT
                if work.order.shell_on_error:
                    self._shell(request)
                    hint = ""
                raise ProcessFailed(self.command.text, status, hint=hint)
            stubs.remove(folder / "diff")

    def _shell(self, request: RunRequest) -> None:
        """A shell in what the failed command has left; nothing of it is kept."""
        remove_tree(request.folder / "work")  # it may not be mounted twice
        (request.folder / "work").mkdir(mode=0o700)
        shell = self.work.draft.shell[0]
        self.output(2, f"{self.command.text}: failed; a shell in what it left:\n".encode())
        self.work.workshop.executor.attach(replace(request, arguments=(shell,)))


def _of_foreign(error: WherryError, work: StageWork) -> WherryError:
    """`error`, and where the program is for another machine what that would take."""
    platform = work.draft.config.platform
    if error.hint or work.order.build_platform.runs(platform):
        return error
    hint = f"the image is for {platform}: this machine needs an emulator in binfmt_misc for it"
    return rebuilt(kind_of(error), error.message, hint)


def _script(script: tuple[str, str], folder: Path) -> StepMount:
    name, text = script
    place = folder / "pipes"
    place.mkdir(mode=0o755)
    path = place / name.replace("/", "_")
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    path.chmod(0o755)
    return StepMount(target=_PIPES, source=str(place))


class _Stubs:
    """Directories and files that are made only to mount on: no part of the layer."""

    def __init__(self, work: StageWork, targets: list[str]) -> None:
        self._missing: list[str] = []
        view = work.view(work.top)
        for target in targets:
            path = ""
            for part in target.strip("/").split("/"):
                path = f"{path}/{part}" if path else part
                try:
                    os.stat(path, dir_fd=view, follow_symlinks=False)
                except (FileNotFoundError, NotADirectoryError):
                    self._missing.append(path)

    def remove(self, upper: Path) -> None:
        """Remove what was not there before and is still empty, the deepest first."""
        with opened(os.open(upper, DIRECTORY | os.O_CLOEXEC)) as root:
            for path in sorted(set(self._missing), key=len, reverse=True):
                above, _, name = path.rpartition("/")
                try:
                    with opened(open_beneath(root, above or ".", DIRECTORY)) as parent:
                        _remove_stub(parent, name)
                except OSError:
                    continue  # somebody uses it, or it is gone


def _remove_stub(parent: int, name: str) -> None:
    status = os.stat(name, dir_fd=parent, follow_symlinks=False)
    times = os.fstat(parent)
    if stat.S_ISDIR(status.st_mode):
        os.rmdir(name, dir_fd=parent)
    elif stat.S_ISREG(status.st_mode) and status.st_size == 0:
        os.unlink(name, dir_fd=parent)
    else:
        return
    os.utime(f"/proc/self/fd/{parent}", ns=(times.st_atime_ns, times.st_mtime_ns))
