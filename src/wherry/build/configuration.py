"""What instructions do to the image's configuration, and how its history tells of them.

The words of the history are BuildKit's, which people and tools read.
"""

import posixpath
import re
from collections.abc import Callable, Iterator, Mapping

from wherry.build.steps import Step
from wherry.dockerfile.instructions import (
    Arg,
    Cmd,
    CommandLine,
    Entrypoint,
    Env,
    Expose,
    Healthcheck,
    Instruction,
    Label,
    Maintainer,
    Onbuild,
    Shell,
    Stopsignal,
    User,
    Volume,
    Workdir,
)
from wherry.errors import InvalidArgument
from wherry.go_text import quoted
from wherry.oci.image_config import ContainerDefaults, HealthConfig, History, ImageConfig
from wherry.values import dataclass, replace

DEFAULT_SHELL = ("/bin/sh", "-c")
COMMENT = "buildkit.dockerfile.v0"
_HIGHEST_PORT = 65535
_PROTOCOLS = ("tcp", "udp", "sctp")
_PORTS = re.compile(r"(\d{1,5})(?:-(\d{1,5}))?")
_LAST_SIGNAL = 64
_REAL_TIME_SIGNAL = re.compile(r"RTMIN(\+([1-9]|1[0-5]))?|RTMAX(-([1-9]|1[0-4]))?")


class InvalidInstruction(InvalidArgument):
    """An instruction that cannot be carried out, in BuildKit's words."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A configuration while a stage is built. `command_is_own` tells a CMD of this stage."""

    config: ImageConfig
    command_is_own: bool = False

    @property
    def defaults(self) -> ContainerDefaults:
        return self.config.config

    @property
    def shell(self) -> tuple[str, ...]:
        return self.defaults.shell or DEFAULT_SHELL

    def with_defaults(self, defaults: ContainerDefaults) -> "Draft":
        return replace(self, config=replace(self.config, config=defaults))

    def command(self, line: CommandLine) -> tuple[str, ...]:
        """The words to execute: as they are, or behind the shell."""
        return line.texts if line.is_exec else (*self.shell, " ".join(line.texts))


def applied(draft: Draft, step: Step) -> tuple[Draft, str]:
    """The configuration after an instruction that changes nothing else, and its history's line,
    if it has one."""
    instruction = step.instruction
    apply = _APPLY.get(type(instruction))
    if apply is None:
        raise InvalidInstruction(f"{instruction.NAME} changes more than the configuration")
    return apply(draft, instruction, step)


def history_entry(created_by: str, created: str | None, *, empty: bool) -> History:
    return History(created=created, created_by=created_by, comment=COMMENT, empty_layer=empty)


def _cmd(draft: Draft, cmd: Cmd, _: Step) -> tuple[Draft, str]:
    words = draft.command(cmd.command)
    changed = draft.with_defaults(replace(draft.defaults, cmd=words or None))
    return replace(changed, command_is_own=True), f"CMD {_go_list(words)}"


def _entrypoint(draft: Draft, entrypoint: Entrypoint, _: Step) -> tuple[Draft, str]:
    words = draft.command(entrypoint.command)
    # A CMD of the base was meant for its entrypoint.
    cmd = draft.defaults.cmd if draft.command_is_own else None
    defaults = replace(draft.defaults, entrypoint=words or None, cmd=cmd)
    return draft.with_defaults(defaults), f"ENTRYPOINT {_go_list(words)}"


def _env(draft: Draft, _env: Env, step: Step) -> tuple[Draft, str]:
    pairs = " ".join(f"{name}={value}" for name, value in step.environment.items())
    env = with_environment(draft.defaults.env, step.environment)
    return draft.with_defaults(replace(draft.defaults, env=env)), f"ENV {pairs}"


def with_environment(env: tuple[str, ...], new: Mapping[str, str]) -> tuple[str, ...]:
    """The variables with those of `new` in their place, or behind them."""
    values = {entry.partition("=")[0]: entry for entry in env}
    values.update({name: f"{name}={value}" for name, value in new.items()})
    return tuple(values.values())


def _label(draft: Draft, label: Label, _: Step) -> tuple[Draft, str]:
    labels = {pair.name.text: pair.value.text for pair in label.pairs}
    text = " ".join(f"{name}={value}" for name, value in labels.items())
    merged = {**draft.defaults.labels, **labels}
    return draft.with_defaults(replace(draft.defaults, labels=merged)), f"LABEL {text}"


def _expose(draft: Draft, expose: Expose, _: Step) -> tuple[Draft, str]:
    ports = sorted({port for word in expose.ports for port in exposed_ports(word.text)})
    merged: dict[str, object] = {**draft.defaults.exposed_ports, **{port: {} for port in ports}}
    return (
        draft.with_defaults(replace(draft.defaults, exposed_ports=merged)),
        f"EXPOSE [{' '.join(ports)}]",
    )


def exposed_ports(word: str) -> Iterator[str]:
    """The ports that a word of EXPOSE means, such as `80`, `53/udp` or `8000-8010`."""
    number, _, protocol = word.partition("/")
    protocol = protocol.lower() or "tcp"
    if protocol not in _PROTOCOLS:
        raise InvalidInstruction(f"invalid proto: {protocol}")
    number = number.rpartition(":")[2]  # what it is published as is no business of an image
    match = _PORTS.fullmatch(number)
    first, last = (int(match[1]), int(match[2] or match[1])) if match else (1, 0)
    if first > last or last > _HIGHEST_PORT:
        raise InvalidInstruction(f"invalid containerPort: {number}")
    for port in range(first, last + 1):
        yield f"{port}/{protocol}"


def _volume(draft: Draft, volume: Volume, _: Step) -> tuple[Draft, str]:
    paths = [word.text.strip() for word in volume.paths]
    if not all(paths):
        raise InvalidInstruction("VOLUME specified can not be an empty string")
    merged: dict[str, object] = {**draft.defaults.volumes, **{path: {} for path in paths}}
    return (
        draft.with_defaults(replace(draft.defaults, volumes=merged)),
        f"VOLUME [{' '.join(paths)}]",
    )


def _user(draft: Draft, user: User, _: Step) -> tuple[Draft, str]:
    name = user.user.text
    return draft.with_defaults(replace(draft.defaults, user=name)), f"USER {name}"


def _workdir(draft: Draft, workdir: Workdir, _: Step) -> tuple[Draft, str]:
    path = working_directory(draft, workdir)
    return draft.with_defaults(replace(draft.defaults, working_dir=path)), f"WORKDIR {path}"


def working_directory(draft: Draft, workdir: Workdir) -> str:
    """The directory that WORKDIR means, relative ones to that before."""
    if not workdir.path.text:
        raise InvalidInstruction("cannot normalize nothing")
    joined = posixpath.join("/", draft.defaults.working_dir, workdir.path.text)
    return "/" + posixpath.normpath(joined).lstrip("/")


def _stopsignal(draft: Draft, stopsignal: Stopsignal, _: Step) -> tuple[Draft, str]:
    signal = stopsignal.signal.text
    if not _is_signal(signal):
        raise InvalidInstruction(f"invalid signal: {signal}")
    return draft.with_defaults(replace(draft.defaults, stop_signal=signal)), f"STOPSIGNAL {signal}"


def _is_signal(text: str) -> bool:
    from signal import Signals

    if text.isascii() and text.isdigit():
        return 0 < int(text[:9]) <= _LAST_SIGNAL
    name = text.upper().removeprefix("SIG")
    return f"SIG{name}" in Signals.__members__ or bool(_REAL_TIME_SIGNAL.fullmatch(name))


def _shell(draft: Draft, shell: Shell, _: Step) -> tuple[Draft, str]:
    words = tuple(word.text for word in shell.words)
    return draft.with_defaults(replace(draft.defaults, shell=words)), f"SHELL [{' '.join(words)}]"


def _healthcheck(draft: Draft, check: Healthcheck, _: Step) -> tuple[Draft, str]:
    defaults = replace(draft.defaults, healthcheck=check.config)
    return draft.with_defaults(defaults), f"HEALTHCHECK {_go_health(check.config)}"


def _onbuild(draft: Draft, onbuild: Onbuild, _: Step) -> tuple[Draft, str]:
    triggers = (*draft.defaults.on_build, onbuild.expression)
    return (
        draft.with_defaults(replace(draft.defaults, on_build=triggers)),
        "",  # BuildKit has no line for it
    )


def _maintainer(draft: Draft, maintainer: Maintainer, _: Step) -> tuple[Draft, str]:
    name = maintainer.name.text
    return replace(draft, config=replace(draft.config, author=name)), f"MAINTAINER {name}"


def _arg(draft: Draft, arg: Arg, step: Step) -> tuple[Draft, str]:
    words = []
    for argument in arg.arguments:
        name = argument.name.text
        value = step.scope.value(name)
        words.append(name if value is None else f"{name}={value.text}")
    return draft, f"ARG {' '.join(words)}"


_APPLY: dict[type[Instruction], Callable[..., tuple[Draft, str]]] = {
    Arg: _arg,
    Cmd: _cmd,
    Entrypoint: _entrypoint,
    Env: _env,
    Expose: _expose,
    Healthcheck: _healthcheck,
    Label: _label,
    Maintainer: _maintainer,
    Onbuild: _onbuild,
    Shell: _shell,
    Stopsignal: _stopsignal,
    User: _user,
    Volume: _volume,
    Workdir: _workdir,
}


def _go_list(words: tuple[str, ...]) -> str:
    """As Go's %q prints a slice of strings."""
    return "[" + " ".join(quoted(word) for word in words) + "]"


def _go_health(config: HealthConfig) -> str:
    durations = (config.interval, config.timeout, config.start_period, config.start_interval)
    shown = " ".join(f'"{_go_duration(duration)}"' for duration in durations)
    return f"&{{{_go_list(config.test)} {shown} '\\x{config.retries:02x}'}}"


def _go_duration(nanoseconds: int) -> str:
    from wherry.oci.durations import format_duration

    return format_duration(nanoseconds)
