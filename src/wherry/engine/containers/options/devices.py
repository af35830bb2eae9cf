"""--device, --device-cgroup-rule and --gpus."""

import re

from wherry.errors import InvalidArgument, Unsupported
from wherry.oci.container_config import DeviceMapping

# Few containers have any: compiled when one is read.
_RULE = r"[acb] ([0-9]+|\*):([0-9]+|\*) [rwm]{1,3}"
_CDI_NAME = r"[A-Za-z][A-Za-z0-9._-]*/[A-Za-z][A-Za-z0-9_-]*=[A-Za-z0-9][\w.:-]*"


def parse_device(text: str) -> DeviceMapping:
    """`/dev/a[:/dev/b][:rwm]`; the place inside is the one on the host where it is not given."""
    if re.fullmatch(_CDI_NAME, text, re.ASCII):
        raise Unsupported(
            f"CDI device {text} cannot be injected: this engine reads no CDI specifications"
        )
    parts = text.split(":")
    if len(parts) > 3 or not parts[0]:
        raise InvalidArgument(f"bad format for path: {text}")
    source = parts[0]
    inside, permissions = source, "rwm"
    if len(parts) == 3:
        inside, permissions = parts[1], parts[2]
        if not is_device_mode(permissions):
            raise InvalidArgument(f"bad mode specified: {permissions}")
    elif len(parts) == 2:
        if is_device_mode(parts[1]):
            permissions = parts[1]
        else:
            inside = parts[1]
    inside = inside or source
    for path in (source, inside):
        if not path.startswith("/"):
            raise InvalidArgument(f"{path} is not an absolute path")
    return DeviceMapping(
        path_on_host=source, path_in_container=inside, cgroup_permissions=permissions
    )


def is_device_mode(text: str) -> bool:
    """Whether `text` is r, w and m, each at most once."""
    return bool(text) and not text.strip("rwm") and len(set(text)) == len(text)


def parse_device_rule(text: str) -> str:
    if not re.fullmatch(_RULE, text, re.ASCII):
        raise ValueError(f"invalid device cgroup format '{text}'")
    return text


def refuse_gpus(request: str) -> None:
    """GPUs come through NVIDIA's toolkit alone; say what is missing, as Docker does."""
    import csv  # for the few who ask for it
    import shutil

    fields = next(csv.reader([request]), [])
    if not fields:
        raise ValueError("EOF")
    driver, capabilities = "", "gpu"
    seen: set[str] = set()
    for part in fields:
        key, equals, value = part.partition("=")
        if key in seen:
            raise ValueError(f"gpu request key '{key}' can be specified only once")
        seen.add(key)
        if not equals or key == "count":
            _check_count(value if equals else key)
        elif key == "driver":
            driver = value
        elif key == "capabilities":
            capabilities = " ".join((*value.split(","), "gpu"))
        elif key not in ("device", "options"):
            raise ValueError(f"unexpected key '{key}' in '{part}'")
    missing = not shutil.which("nvidia-container-runtime-hook")
    raise Unsupported(
        f'could not select device driver "{driver}" with capabilities: [[{capabilities}]]',
        hint="install the NVIDIA container toolkit"
        if missing
        else "use --runtime nvidia with the installed NVIDIA container toolkit",
    )


def _check_count(text: str) -> None:
    if text != "all" and not re.fullmatch(r"[+-]?[0-9]+", text):
        raise ValueError(
            f'invalid count ({text}): value must be either "all" or an integer: invalid syntax'
        )
