"""`RUN --mount=KEYS` and `RUN --device=KEYS`."""

from collections.abc import Callable
from enum import StrEnum

from wherry.dockerfile.errors import with_suggestion
from wherry.errors import InvalidArgument
from wherry.go_text import quoted
from wherry.values import dataclass, replace

_UNSIGNED_32 = 2**32
_TRUE = ("1", "t", "T", "TRUE", "true", "True")
_FALSE = ("0", "f", "F", "FALSE", "false", "False")
_FACTORS = {"": 1, "b": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40, "p": 1 << 50}
KEYS = (
    *("type", "from", "source", "target", "readonly", "id", "sharing", "required", "size", "mode"),
    *("uid", "gid", "src", "dst", "destination", "ro", "rw", "readwrite", "env"),
)
"""Every key a mount may have, in BuildKit's order."""

Expand = Callable[[str], str]


class InvalidMount(InvalidArgument):
    """A text that no mount or device can be read from, in BuildKit's words."""


class MountType(StrEnum):
    BIND = "bind"
    CACHE = "cache"
    TMPFS = "tmpfs"
    SECRET = "secret"
    SSH = "ssh"


class Sharing(StrEnum):
    SHARED = "shared"
    PRIVATE = "private"
    LOCKED = "locked"


@dataclass(frozen=True, slots=True)
class RunMount:
    """A mount for the time of one RUN. Empty is unsaid; None too."""

    type: MountType = MountType.BIND
    from_: str = ""
    source: str = ""
    target: str = ""
    read_only: bool = True
    size: int = 0
    """Of a tmpfs, in bytes; 0 has no bound."""
    id: str = ""
    sharing: Sharing | None = None
    required: bool = False
    env: str | None = None
    """The variable that a secret is set in; "" is one of the secret's name."""
    mode: int | None = None
    uid: int | None = None
    gid: int | None = None


@dataclass(frozen=True, slots=True)
class Device:
    """A CDI device for one RUN."""

    name: str = ""
    required: bool = False


def read_mount(text: str, expand: Expand) -> RunMount:
    """The mount that `text` asks for, each value through `expand` first; or InvalidMount."""
    mount = RunMount()
    read_only: bool | None = None
    for field in split_fields(text, "mounts"):
        key, equals, value = field.partition("=")
        key = key.lower()
        if not equals:
            mount, read_only = _bare_key(mount, read_only, key, field)
            continue
        value = expand(value)
        if key in ("readonly", "ro"):
            read_only = _truth(key, value)
        elif key in ("readwrite", "rw"):
            read_only = not _truth(key, value)
        elif key in _READERS:
            mount = _READERS[key](mount, key, value)
        else:
            message = f"unexpected key '{key}' in '{field}'"
            raise InvalidMount(with_suggestion(message, key, KEYS))
    if read_only is None:
        read_only = mount.type not in (MountType.CACHE, MountType.TMPFS)
    mount = replace(mount, read_only=read_only)
    _check(mount)
    return mount


def check_source_stage(text: str) -> None:
    """`from` has no variables: the graph of stages is known before any value is."""
    for field in split_fields(text, "mounts"):
        key, _, value = field.partition("=")
        if key.lower() == "from" and "$" in value[:-1]:
            raise InvalidMount(
                f"'{key.lower()}' doesn't support variable expansion, define alias stage instead"
            )


def mount_from(text: str) -> str:
    """The stage, context or image that a mount reads, "" if none."""
    found = ""
    for field in split_fields(text, "mounts"):
        key, _, value = field.partition("=")
        if key.lower() == "from":
            found = value
    return found


def read_device(text: str) -> Device:
    """The device that `text` asks for; or InvalidMount."""
    device = Device()
    for field in split_fields(text, "devices"):
        key, equals, value = field.partition("=")
        key = key.lower()
        if key == "required":
            device = replace(device, required=not equals or _truth(key, value))
        elif equals and key == "name":
            if device.name:
                raise InvalidMount(f"device name already set to {device.name}")
            device = replace(device, name=value)
        elif not device.name:
            device = replace(device, name=field)  # also a=b: names of devices may have it
        elif not equals:
            raise InvalidMount(f"invalid field '{field}' must be a key=value pair")
        else:
            message = f"unexpected key '{key}' in '{field}'"
            raise InvalidMount(with_suggestion(message, key, ("name", "required")))
    return device


def split_fields(text: str, what: str) -> list[str]:
    """Fields between commas; one in quotes may hold commas, and quotes as `""`."""
    fields: list[str] = []
    at = 0
    while True:
        if text.startswith('"', at):
            field, at = _quoted_field(text, at, what)
        else:
            end = text.find(",", at)
            end = len(text) if end < 0 else end
            field = text[at:end]
            if '"' in field:
                column = at + field.index('"') + 1
                raise InvalidMount(
                    f"failed to parse csv {what}: parse error on line 1, column {column}: "
                    'bare " in non-quoted-field'
                )
            at = end
        fields.append(field)
        if at >= len(text):
            return fields
        at += 1


def _quoted_field(text: str, at: int, what: str) -> tuple[str, int]:
    parts: list[str] = []
    at += 1
    while True:
        end = text.find('"', at)
        if end < 0 or text[end + 1 : end + 2] not in ('"', ",", ""):
            column = (len(text) if end < 0 else end) + 1
            raise InvalidMount(
                f"failed to parse csv {what}: parse error on line 1, column {column}: "
                'extraneous or missing " in quoted-field'
            )
        parts.append(text[at:end])
        if text[end + 1 : end + 2] != '"':
            return "".join(parts), end + 1
        parts.append('"')
        at = end + 2


def _bare_key(
    mount: RunMount, read_only: bool | None, key: str, field: str
) -> tuple[RunMount, bool | None]:
    if key in ("readonly", "ro"):
        return mount, True
    if key in ("readwrite", "rw"):
        return mount, False
    if key == "required":
        return _required(mount, key, "true"), read_only
    raise InvalidMount(f"invalid field '{field}' must be a key=value pair")


def _type(mount: RunMount, _: str, value: str) -> RunMount:
    if value.lower() not in list(MountType):
        message = f"unsupported mount type {quoted(value)}"
        raise InvalidMount(with_suggestion(message, value, MountType))
    return replace(mount, type=MountType(value.lower()))


def _sharing(mount: RunMount, _: str, value: str) -> RunMount:
    if value.lower() not in list(Sharing):
        message = f"unsupported sharing value {quoted(value)}"
        raise InvalidMount(with_suggestion(message, value, Sharing))
    return replace(mount, sharing=Sharing(value.lower()))


def _required(mount: RunMount, key: str, value: str) -> RunMount:
    _only_for(mount, key, MountType.SECRET, MountType.SSH)
    return replace(mount, required=_truth(key, value))


def _size(mount: RunMount, key: str, value: str) -> RunMount:
    _only_for(mount, key, MountType.TMPFS)
    return replace(mount, size=_bytes(key, value))


def _mode(mount: RunMount, key: str, value: str) -> RunMount:
    return replace(mount, mode=_unsigned(key, value, 8))


_READERS: dict[str, Callable[[RunMount, str, str], RunMount]] = {
    "type": _type,
    "from": lambda mount, _, value: replace(mount, from_=value),
    "source": lambda mount, _, value: replace(mount, source=value),
    "src": lambda mount, _, value: replace(mount, source=value),
    "target": lambda mount, _, value: replace(mount, target=value),
    "dst": lambda mount, _, value: replace(mount, target=value),
    "destination": lambda mount, _, value: replace(mount, target=value),
    "required": _required,
    "size": _size,
    "id": lambda mount, _, value: replace(mount, id=value),
    "sharing": _sharing,
    "mode": _mode,
    "uid": lambda mount, key, value: replace(mount, uid=_unsigned(key, value, 10)),
    "gid": lambda mount, key, value: replace(mount, gid=_unsigned(key, value, 10)),
    "env": lambda mount, _, value: replace(mount, env=value),
}


def _only_for(mount: RunMount, key: str, *types: MountType) -> None:
    if mount.type not in types:
        raise InvalidMount(f"unexpected key '{key}' for mount type '{mount.type}'")


def _truth(key: str, value: str) -> bool:
    if value in _TRUE:
        return True
    if value in _FALSE:
        return False
    raise InvalidMount(f"invalid value for {key}: {value}")


def _unsigned(key: str, value: str, base: int) -> int:
    digits = "01234567" if base == 8 else "0123456789"
    if not value or value.strip(digits) or len(value) > 20 or int(value, base) >= _UNSIGNED_32:
        raise InvalidMount(f"invalid value {value} for {key}")
    return int(value, base)


def _bytes(key: str, value: str) -> int:
    number = value.rstrip("bBiIkKmMgGtTpP ")
    unit = value[len(number) :].strip().lower().removesuffix("b").removesuffix("i")
    whole, _, fraction = number.partition(".")
    if unit not in _FACTORS or not whole.isascii() or not whole.isdecimal() or len(number) > 20:
        raise InvalidMount(f"invalid value for {key}: {value}")
    if fraction and not (fraction.isascii() and fraction.isdecimal()):
        raise InvalidMount(f"invalid value for {key}: {value}")
    return int(float(number) * _FACTORS[unit])


def _check(mount: RunMount) -> None:
    if mount.type in (MountType.BIND, MountType.TMPFS):
        for key, value in (("mode", mount.mode), ("uid", mount.uid), ("gid", mount.gid)):
            if value is not None:
                raise InvalidMount(f'{key} not allowed for "{mount.type}" type mounts')
    if mount.type is MountType.SECRET:
        if mount.from_:
            raise InvalidMount("secret mount should not have a from")
        if mount.sharing is not None:
            raise InvalidMount("secret mount should not define sharing")
        if not (mount.source or mount.target or mount.id):
            raise InvalidMount("invalid secret mount. one of source, target required")
        if mount.source and mount.id:
            raise InvalidMount("both source and id can't be set")
    if mount.sharing is not None and mount.type is not MountType.CACHE:
        raise InvalidMount(f"invalid cache sharing set for {mount.type} mount")
