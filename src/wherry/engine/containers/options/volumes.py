"""-v, --volume and --tmpfs: `[SOURCE:]TARGET[:OPTIONS]`.

A source that starts with `/`, `.` or `~` is a path of the host, anything else the name of a
volume; `.` is relative to the caller's folder and `~` the caller's home.
"""

import os.path
from collections.abc import Mapping
from posixpath import normpath

from wherry.engine.containers.options.values import EngineRefusal
from wherry.errors import InvalidArgument
from wherry.oci.container_config import MountRequest, MountType
from wherry.typed import Any

PROPAGATIONS = frozenset(("private", "rprivate", "shared", "rshared", "slave", "rslave"))
# At most one word of each row.
_MODES = (
    frozenset(("rw", "ro")),
    frozenset(("z", "Z")),
    PROPAGATIONS,
    frozenset(("nocopy",)),
    frozenset(("map",)),
    frozenset(("consistent", "cached", "delegated", "default")),
)


class InvalidVolumeSpecification(EngineRefusal):
    def __init__(self, text: str, problem: str = "") -> None:
        suffix = f": {problem}" if problem else ""
        super().__init__(f"invalid volume specification: '{text}'{suffix}")


class OptionOfAnotherType(InvalidVolumeSpecification):
    def __init__(self, text: str, kind: str, field: str) -> None:
        problem = f'invalid mount config for type "{kind}": field {field} must not be specified'
        super().__init__(text, problem)


class InvalidMode(EngineRefusal):
    def __init__(self, mode: str) -> None:
        super().__init__(f"invalid mode: {mode}")


def parse_volume(
    text: str, cwd: str, environ: Mapping[str, str], driver: str = ""
) -> MountRequest | str:
    """The mount that one -v asks for, or the target alone of an anonymous volume."""
    text = _with_host_path(_checked_sections(text), cwd, environ)
    parts = text.split(":")
    if len(parts) == 1:
        return parts[0]
    if len(parts) == 2 and is_volume_mode(parts[1]):
        raise InvalidVolumeSpecification(text)
    source, target = parts[0], parts[1]
    mode = parts[2] if len(parts) == 3 else ""
    if not is_volume_mode(mode):
        raise InvalidMode(mode)
    is_path = source.startswith("/")
    fields = _mode_fields(mode)
    if is_path and fields["no_copy"]:
        raise OptionOfAnotherType(text, "bind", "VolumeOptions")
    if not is_path and fields["propagation"]:
        raise OptionOfAnotherType(text, "volume", "BindOptions")
    return MountRequest(
        type=MountType.BIND if is_path else MountType.VOLUME,
        source=normpath(source) if is_path else source,
        target=target,
        mode=mode,
        create_source=is_path,
        volume_driver="" if is_path else driver,
        **fields,
    )


def _checked_sections(text: str) -> str:
    if not text:
        raise InvalidArgument("invalid empty volume spec")
    sections = text.split(":")
    if len(text) > 2 and "" in sections:
        raise InvalidArgument(f"invalid spec: {text}: empty section between colons")
    if len(sections) > 3:
        if text.startswith(("/", ".", "~")):
            raise InvalidArgument(f"invalid spec: {text}: too many colons")
        raise InvalidVolumeSpecification(text)
    return text


def _with_host_path(text: str, cwd: str, environ: Mapping[str, str]) -> str:
    source, colon, rest = text.partition(":")
    if not colon:
        return text
    if source.startswith("."):
        return f"{os.path.abspath(os.path.join(cwd, source))}:{rest}"
    if source == "~" or source.startswith("~/"):
        return f"{environ.get('HOME', '/root')}{source[1:]}:{rest}"
    return text


def is_volume_mode(mode: str) -> bool:
    """Whether `mode` is a comma-separated list of at most one word of each kind."""
    if not mode:
        return True
    counts = [0] * len(_MODES)
    for word in mode.split(","):
        for kind, words in enumerate(_MODES):
            if word in words:
                counts[kind] += 1
                break
        else:
            return False
    return max(counts) <= 1


def _mode_fields(mode: str) -> dict[str, Any]:
    words = mode.split(",")
    return {
        "read_only": "ro" in words,
        "no_copy": "nocopy" in words,
        "map_owner": "map" in words,
        "propagation": next((word for word in words if word in PROPAGATIONS), ""),
        "relabel": next((word for word in words if word in ("z", "Z")), ""),
    }


def parse_tmpfs(text: str) -> MountRequest:
    """The mount that one --tmpfs asks for."""
    target, _, options = text.partition(":")
    return MountRequest(type=MountType.TMPFS, target=target, tmpfs_options=options, mode=options)


def parse_volumes_from(text: str) -> tuple[str, str]:
    """The container and the mode of one --volumes-from; rw where it gives none."""
    name, colon, mode = text.partition(":")
    if not text:
        raise InvalidArgument("volumes-from specification cannot be an empty string")
    if not name:
        raise InvalidArgument(f"invalid volumes-from specification: '{text}'")
    if not colon:
        return name, "rw"
    if not is_volume_mode(mode):
        raise InvalidMode(mode)
    for word in mode.split(","):
        if word in PROPAGATIONS or word == "nocopy":
            raise InvalidMode(mode)
    return name, mode
