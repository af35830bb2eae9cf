"""Documents with the types that Docker's client gives them, where JSON says less.

What a template sees differs: a map has a value for every key, a struct prints as {a b}, and a
part that JSON leaves out when it is empty is there for `{{if .State.Health}}`.
"""

from collections.abc import Mapping

from wherry.cli.templates.values import NIL_LIST, NIL_MAP, NIL_POINTER, Map, Struct

_MAPS = {
    **dict.fromkeys(("Annotations", "Data", "DriverOpts", "Labels", "Options"), "string"),
    **dict.fromkeys(("LogConfig.Config", "StorageOpt", "Sysctls", "Tmpfs"), "string"),
    **dict.fromkeys(("ExposedPorts", "Volumes"), "struct {}"),
    **dict.fromkeys(("Containers", "Networks", "PortBindings", "Ports"), "*struct"),
}
_POINTERS = frozenset(("IPAMConfig", "Init", "MemorySwappiness", "OomKillDisable", "PidsLimit"))
# What JSON leaves out, by the part that it belongs to; "" is a container itself.
_OMITTED: Mapping[str, Mapping[str, object]] = {
    "": {"SizeRw": NIL_POINTER, "SizeRootFs": NIL_POINTER},
    "State": {"Health": NIL_POINTER},
    "Config": {
        "ExposedPorts": NIL_MAP,
        "Healthcheck": NIL_POINTER,
        "StopSignal": "",
        "StopTimeout": NIL_POINTER,
    },
    "HostConfig": {
        "Mounts": NIL_LIST,
        "Tmpfs": NIL_MAP,
        "Sysctls": NIL_MAP,
        "Annotations": NIL_MAP,
        "StorageOpt": NIL_MAP,
        "Init": NIL_POINTER,
    },
    "Healthcheck": {
        **dict.fromkeys(("Interval", "Timeout", "StartPeriod", "StartInterval", "Retries"), 0),
        "Test": NIL_LIST,
    },
    "Mounts": {"Name": "", "Driver": ""},
}
_MOUNT_POINT = (
    *("Type", "Name", "Source", "Destination", "Driver", "Mode", "RW", "Propagation"),
)  # the order in which a struct prints


def typed_document(document: Mapping[str, object]) -> Struct:
    """`document` as a template is to see it."""
    return _struct(document, "" if "HostConfig" in document else "other")


def _struct(items: Mapping[str, object], name: str) -> Struct:
    fields = {key: _typed(value, key, name) for key, value in items.items()}
    omitted = {key: zero for key, zero in _OMITTED.get(name, {}).items() if key not in fields}
    fields |= omitted
    if name == "Mounts" and fields.keys() == set(_MOUNT_POINT):
        fields = {key: fields[key] for key in _MOUNT_POINT}
    return Struct(fields, omitted=frozenset(omitted))


def _typed(value: object, key: str, parent: str) -> object:
    element = _MAPS.get(key) or _MAPS.get(f"{parent}.{key}")
    if value is None:
        return NIL_POINTER if key in _POINTERS else NIL_MAP if element else NIL_LIST
    if isinstance(value, dict):
        if element:
            items = {name: _typed(item, "item", key) for name, item in value.items()}
            return Map(items, element)
        return _struct(value, key)
    if isinstance(value, list | tuple):
        return [_typed(item, key, parent) for item in value]
    return value
