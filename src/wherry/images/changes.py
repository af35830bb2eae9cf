"""Dockerfile instructions applied to a configuration: `-c` of commit and import.

Only those that change the configuration alone are known here:
CMD ENTRYPOINT ENV EXPOSE HEALTHCHECK LABEL ONBUILD STOPSIGNAL USER VOLUME WORKDIR.
Errors are in Docker's words.
"""

import json
import posixpath
import re
from collections.abc import Callable, Iterable, Iterator
from signal import Signals

from wherry.errors import InvalidArgument
from wherry.images.healthcheck import parse_healthcheck
from wherry.images.words import expand_word, split_words
from wherry.oci.image_config import ContainerDefaults
from wherry.values import dataclass, field, replace

DEFAULT_SHELL = ("/bin/sh", "-c")
_HIGHEST_PORT = 65535
_LAST_SIGNAL = 64
_REAL_TIME_SIGNAL = re.compile(r"RTMIN(\+([1-9]|1[0-5]))?|RTMAX(-([1-9]|1[0-4]))?")
_PORT_PROTOCOLS = ("tcp", "udp", "sctp")


class InvalidChange(InvalidArgument):
    """An instruction that cannot be applied, in Docker's words."""


@dataclass
class _Draft:
    """A configuration while instructions are applied to it."""

    config: ContainerDefaults
    command_was_set: bool = False
    environment: dict[str, str] = field(default_factory=dict)

    def change(self, **changes: object) -> None:
        self.config = replace(self.config, **changes)  # type: ignore[arg-type]

    def expand(self, word: str) -> str:
        return expand_word(word, self.environment)

    def command_line(self, text: str) -> tuple[str, ...]:
        """The words of the JSON form, or the shell form behind its shell."""
        if (words := json_words(text)) is not None:
            return words
        return (self.config.shell or DEFAULT_SHELL) + ((text,) if text else ())


def apply_changes(config: ContainerDefaults, changes: Iterable[str]) -> ContainerDefaults:
    """`config` after the instructions in `changes`; InvalidArgument in Docker's words."""
    draft = _Draft(config)
    draft.environment = dict(_split_variable(entry) for entry in config.env)
    instructions = [_split_instruction(line) for line in _lines(changes)]
    for name, _ in instructions:
        if name not in _APPLY:
            raise InvalidChange(f"{name} is not a valid change command")
    for name, arguments in instructions:
        if name not in ("healthcheck", "onbuild"):
            _refuse_flags(arguments)
        _APPLY[name](draft, arguments)
    return draft.config


def json_words(text: str) -> tuple[str, ...] | None:
    """The strings of a JSON array, or None if `text` is no JSON array."""
    if not text.startswith("["):
        return None
    try:
        words = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not all(isinstance(word, str) for word in words):
        raise InvalidChange(
            "when using JSON array syntax, arrays must be comprised of strings only"
        )
    return tuple(words)


def _lines(changes: Iterable[str]) -> Iterator[str]:
    """Instructions, with lines that end in a backslash joined; comments and blanks dropped."""
    texts = list(changes)
    joined = ""
    found = False
    for raw in "\n".join(texts).split("\n"):
        line = raw.strip()
        if not line or (line.startswith("#")):
            continue
        if line.endswith("\\"):
            joined += line[:-1]
            continue
        found = True
        yield (joined + line).strip()
        joined = ""
    if joined.strip():
        found = True
        yield joined.strip()
    if texts and not found:
        raise InvalidChange("file with no instructions")


def _split_instruction(line: str) -> tuple[str, str]:
    name, *rest = line.split(maxsplit=1)
    return name.lower(), rest[0] if rest else ""


def _split_variable(entry: str) -> tuple[str, str]:
    name, _, value = entry.partition("=")
    return name, value


def _refuse_flags(arguments: str) -> None:
    first = arguments.split(maxsplit=1)[:1]
    if first and first[0].startswith("--") and first[0] != "--":
        raise InvalidChange(f"Unknown flag: {first[0][2:].partition('=')[0]}")


def _one_argument(name: str, text: str) -> str:
    if not text:
        raise InvalidChange(f"{name} requires exactly one argument")
    return text


def _pairs(name: str, text: str) -> list[tuple[str, str]]:
    """NAME=VALUE words, or the old form of one name, blanks and the rest; not yet expanded."""
    words = split_words(text)
    if not words:
        raise InvalidChange(f"{name} requires at least one argument")
    if "=" not in words[0]:
        key, *rest = text.split(maxsplit=1)
        if not rest:
            raise InvalidChange(f"{name} must have two arguments")
        return [(key, rest[0])]
    pairs = []
    for word in words:
        if "=" not in word:
            raise InvalidChange(
                f'Syntax error - can\'t find = in "{word}". Must be of the form: name=value'
            )
        pairs.append(_split_variable(word))
    if any(not key for key, _ in pairs):
        raise InvalidChange(f"{name} names can not be blank")
    return pairs


def _cmd(draft: _Draft, text: str) -> None:
    draft.change(cmd=draft.command_line(text))
    draft.command_was_set = True


def _entrypoint(draft: _Draft, text: str) -> None:
    words = draft.command_line(text) if text else ()
    draft.change(entrypoint=words or None)
    # A CMD of the image was meant for the old entrypoint.
    if not draft.command_was_set:
        draft.change(cmd=None)


def _env(draft: _Draft, text: str) -> None:
    # Values of one instruction see the environment from before it.
    pairs = [(draft.expand(key), draft.expand(value)) for key, value in _pairs("ENV", text)]
    draft.environment.update(pairs)
    draft.change(env=tuple(f"{key}={value}" for key, value in draft.environment.items()))


def _label(draft: _Draft, text: str) -> None:
    pairs = [(draft.expand(key), draft.expand(value)) for key, value in _pairs("LABEL", text)]
    draft.change(labels={**draft.config.labels, **dict(pairs)})


def _expose(draft: _Draft, text: str) -> None:
    if not text:
        raise InvalidChange("EXPOSE requires at least one argument")
    words = [draft.expand(word) for word in text.split()]
    ports: dict[str, object] = {port: {} for word in words for port in _ports(word)}
    draft.change(exposed_ports={**draft.config.exposed_ports, **ports})


def _ports(word: str) -> Iterator[str]:
    number, _, protocol = word.partition("/")
    protocol = protocol.lower() or "tcp"
    if protocol not in _PORT_PROTOCOLS:
        raise InvalidChange(f"Invalid proto: {protocol}")
    number = number.rpartition(":")[2]  # what it is published as is no business of an image
    match = re.fullmatch(r"(\d{1,5})(?:-(\d{1,5}))?", number)
    first, last = (int(match[1]), int(match[2] or match[1])) if match else (1, 0)
    if first > last or last > _HIGHEST_PORT:
        raise InvalidChange(f"Invalid containerPort: {number}")
    for port in range(first, last + 1):
        yield f"{port}/{protocol}"


def _healthcheck(draft: _Draft, text: str) -> None:
    draft.change(healthcheck=parse_healthcheck(text, json_words))


def _onbuild(draft: _Draft, text: str) -> None:
    if not text:
        raise InvalidChange("ONBUILD requires at least one argument")
    trigger = text.split(maxsplit=1)[0].upper()
    if trigger == "ONBUILD":
        raise InvalidChange("Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed")
    if trigger in ("FROM", "MAINTAINER"):
        raise InvalidChange(f"{trigger} isn't allowed as an ONBUILD trigger")
    draft.change(on_build=(*draft.config.on_build, text))


def _stopsignal(draft: _Draft, text: str) -> None:
    signal = draft.expand(_one_argument("STOPSIGNAL", text))
    if not _is_signal(signal):
        raise InvalidChange(f"Invalid signal: {signal}")
    draft.change(stop_signal=signal)


def _is_signal(text: str) -> bool:
    if text.isascii() and text.isdigit():
        return 0 < int(text) <= _LAST_SIGNAL
    name = text.upper().removeprefix("SIG")
    return f"SIG{name}" in Signals.__members__ or bool(_REAL_TIME_SIGNAL.fullmatch(name))


def _user(draft: _Draft, text: str) -> None:
    draft.change(user=draft.expand(_one_argument("USER", text)))


def _volume(draft: _Draft, text: str) -> None:
    words = json_words(text)
    if words is None:
        words = tuple(text.split())
    if not words:
        raise InvalidChange("VOLUME requires at least one argument")
    paths = [draft.expand(word).strip() for word in words]
    if not all(paths):
        raise InvalidChange("VOLUME specified can not be an empty string")
    draft.change(volumes={**draft.config.volumes, **{path: {} for path in paths}})


def _workdir(draft: _Draft, text: str) -> None:
    path = draft.expand(_one_argument("WORKDIR", text))
    if not path:
        raise InvalidChange("cannot normalize nothing")
    joined = posixpath.normpath(posixpath.join("/", draft.config.working_dir, path))
    draft.change(working_dir="/" + joined.lstrip("/"))


_APPLY: dict[str, Callable[[_Draft, str], None]] = {
    "cmd": _cmd,
    "entrypoint": _entrypoint,
    "env": _env,
    "expose": _expose,
    "healthcheck": _healthcheck,
    "label": _label,
    "onbuild": _onbuild,
    "stopsignal": _stopsignal,
    "user": _user,
    "volume": _volume,
    "workdir": _workdir,
}
