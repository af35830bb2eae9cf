"""--mount: `type=bind,source=/a,target=/b,readonly`, a line of comma-separated values."""

import os.path
from collections.abc import Callable, Mapping
from posixpath import normpath

from wherry.engine.containers.options.units import parse_boolean, parse_size, parse_unsigned
from wherry.engine.containers.options.values import EngineRefusal
from wherry.oci.container_config import MountRequest, MountType
from wherry.typed import Any
from wherry.values import dataclass, field


class UnknownMountType(EngineRefusal):
    def __init__(self, name: str) -> None:
        super().__init__(f'invalid mount config for type "{name}": mount type unknown')


@dataclass
class _Draft:
    """What the keys said so far; `groups` are the kinds of mount whose own keys were used."""

    type: str = "volume"
    fields: dict[str, Any] = field(default_factory=dict)
    groups: set[str] = field(default_factory=set)


def parse_mount(text: str, cwd: str) -> MountRequest:
    """The mount that one --mount asks for; ValueError with Docker's words for a bad key.

    A kind of mount nobody knows is UnknownMountType: the command line of Docker lets it pass.
    """
    if not text:
        raise ValueError("EOF")
    draft = _Draft()
    for part in _comma_separated(text):
        _read_field(draft, part, cwd)
    _check_groups(draft)
    _check_recursive(draft)
    if not draft.fields.get("target"):
        raise ValueError("target is required")
    try:
        kind = MountType(draft.type)
    except ValueError:
        raise UnknownMountType(draft.type) from None
    fields = draft.fields
    if kind is MountType.BIND and fields.get("source", "").startswith("/"):
        fields["source"] = normpath(fields["source"])
    return MountRequest(type=kind, from_mount_flag=True, **fields)


def mount_text(value: Mapping[str, object]) -> str:
    """A mapping such as `{"type": "bind", "source": "/a", "target": "/b"}` as --mount writes it."""
    parts = []
    for key, item in value.items():
        name = key.replace("_", "-")
        if item is True:
            parts.append(name if name in _SWITCHES else f"{name}=true")
        elif isinstance(item, Mapping):
            parts += [f"{name}={inner}={word}" for inner, word in item.items()]
        elif item is not None and item is not False:
            parts.append(f"{name}={item}")
    return ",".join(f'"{part}"' if set(part) & set(',"') else part for part in parts)


def _comma_separated(text: str) -> list[str]:
    """The fields of one line of RFC 4180, with the errors of Go's encoding/csv."""
    fields: list[str] = []
    at = 0
    while True:
        if text[at : at + 1] == '"':
            value, at = _quoted_field(text, at + 1)
        else:
            end = text.find(",", at)
            end = len(text) if end < 0 else end
            value = text[at:end]
            if (quote := value.find('"')) >= 0:
                raise _csv_error(at + quote, 'bare " in non-quoted-field')
            at = end
        fields.append(value)
        if at == len(text):
            return fields
        at += 1


def _quoted_field(text: str, at: int) -> tuple[str, int]:
    value = ""
    while True:
        end = text.find('"', at)
        if end < 0:
            raise _csv_error(len(text), 'extraneous or missing " in quoted-field')
        value += text[at:end]
        following = text[end + 1 : end + 2]
        if following == '"':
            value += '"'
            at = end + 2
        elif following in ("", ","):
            return value, end + 1
        else:
            raise _csv_error(end, 'extraneous or missing " in quoted-field')


def _csv_error(offset: int, problem: str) -> ValueError:
    return ValueError(f"parse error on line 1, column {offset + 1}: {problem}")


def _read_field(draft: _Draft, part: str, cwd: str) -> None:
    key, equals, value = part.partition("=")
    name = key.lower()
    if not equals:
        if name not in _SWITCHES:
            raise ValueError(f"invalid field '{part}' must be a key=value pair")
        value = "true"
    if name in ("source", "src"):
        if value.startswith("."):
            value = os.path.abspath(os.path.join(cwd, value))
        draft.fields["source"] = value
    elif name in ("target", "dst", "destination"):
        draft.fields["target"] = value
    elif name == "type":
        draft.type = value.lower()
    elif name == "consistency":
        draft.fields["consistency"] = value.lower()
    elif name in ("readonly", "ro"):
        draft.fields["read_only"] = _boolean(name, value)
    elif name in _KEYS:
        draft.groups.add(name.partition("-")[0])
        _KEYS[name](draft, value)
    else:
        raise ValueError(f"unexpected key '{name}' in '{part}'")


def _boolean(name: str, value: str) -> bool:
    try:
        return parse_boolean(value)
    except ValueError:
        raise ValueError(f"invalid value for {name}: {value}") from None


def _plain(name: str) -> Callable[[_Draft, str], None]:
    def read(draft: _Draft, value: str) -> None:
        draft.fields[name] = value

    return read


def _map(name: str) -> Callable[[_Draft, str], None]:
    def read(draft: _Draft, value: str) -> None:
        key, _, word = value.partition("=")
        draft.fields.setdefault(name, {})[key] = word

    return read


def _propagation(draft: _Draft, value: str) -> None:
    draft.fields["propagation"] = value.lower()


def _recursive(draft: _Draft, value: str) -> None:
    if value not in ("enabled", "disabled", "writable", "readonly"):
        raise ValueError(
            f"invalid value for bind-recursive: {value}"
            ' (must be "enabled", "disabled", "writable", or "readonly")'
        )
    draft.fields["recursive"] = value


def _non_recursive(draft: _Draft, value: str) -> None:
    draft.fields["recursive"] = "disabled" if _boolean("bind-nonrecursive", value) else "enabled"


def _map_owner(draft: _Draft, value: str) -> None:
    draft.fields["map_owner"] = _boolean("bind-map-owner", value)


def _create_source(draft: _Draft, value: str) -> None:
    draft.fields["create_source"] = _boolean("bind-create-src", value)


def _no_copy(draft: _Draft, value: str) -> None:
    draft.fields["no_copy"] = _boolean("volume-nocopy", value)


def _tmpfs_size(draft: _Draft, value: str) -> None:
    try:
        draft.fields["tmpfs_size"] = parse_size(value)
    except ValueError:
        raise ValueError(f"invalid value for tmpfs-size: {value}") from None


def _tmpfs_mode(draft: _Draft, value: str) -> None:
    try:
        draft.fields["tmpfs_mode"] = parse_unsigned(value, 32, base=8)
    except ValueError:
        raise ValueError(f"invalid value for tmpfs-mode: {value}") from None


_SWITCHES = frozenset(
    ("readonly", "ro", "volume-nocopy", "bind-nonrecursive", "bind-create-src", "bind-map-owner")
)
_KEYS: dict[str, Callable[[_Draft, str], None]] = {
    "bind-propagation": _propagation,
    "bind-nonrecursive": _non_recursive,
    "bind-recursive": _recursive,
    "bind-create-src": _create_source,
    "bind-map-owner": _map_owner,
    "volume-subpath": _plain("subpath"),
    "volume-nocopy": _no_copy,
    "volume-label": _map("volume_labels"),
    "volume-driver": _plain("volume_driver"),
    "volume-opt": _map("volume_options"),
    "image-subpath": _plain("subpath"),
    "tmpfs-size": _tmpfs_size,
    "tmpfs-mode": _tmpfs_mode,
}


def _check_groups(draft: _Draft) -> None:
    if not draft.type:
        raise ValueError("type is required")
    for group in ("volume", "image", "bind", "tmpfs"):
        if group in draft.groups and draft.type != group:
            raise ValueError(f"cannot mix '{group}-*' options with mount type '{draft.type}'")


def _check_recursive(draft: _Draft) -> None:
    recursive = draft.fields.get("recursive")
    if recursive not in ("writable", "readonly"):
        return
    if not draft.fields.get("read_only"):
        raise ValueError(
            f"option 'bind-recursive={recursive}' requires 'readonly'"
            " to be specified in conjunction"
        )
    if recursive == "readonly" and draft.fields.get("propagation") != "rprivate":
        raise ValueError(
            "option 'bind-recursive=readonly' requires 'bind-propagation=rprivate'"
            " to be specified in conjunction"
        )
