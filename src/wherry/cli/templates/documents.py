"""Documents with the types that Docker's client gives them, where JSON says less.

What a template sees differs: a map has a value for every key, a struct prints as {a b}, and a
part that JSON leaves out when it is empty is there for `{{if .State.Health}}`.
"""

from collections.abc import Mapping

from wherry.cli.templates.go_structs import SHAPES, names_in
from wherry.cli.templates.values import (
    NIL_LIST,
    NIL_MAP,
    NIL_POINTER,
    Duration,
    Map,
    Moment,
    Struct,
)

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
        "ArgsEscaped": False,
        "NetworkDisabled": False,
        "MacAddress": "",
        "StopSignal": "",
        "StopTimeout": NIL_POINTER,
        "Shell": NIL_LIST,
    },
    "image Config": {
        "ExposedPorts": NIL_MAP,
        "StopSignal": "",
        "ArgsEscaped": False,
        "Healthcheck": NIL_POINTER,
        "Shell": NIL_LIST,
    },
    "HostConfig": {
        "Mounts": NIL_LIST,
        "Tmpfs": NIL_MAP,
        "Sysctls": NIL_MAP,
        "Annotations": NIL_MAP,
        "StorageOpt": NIL_MAP,
        "Init": NIL_POINTER,
        "KernelMemory": 0,
        "KernelMemoryTCP": 0,
    },
    "Healthcheck": {
        **dict.fromkeys(("Interval", "Timeout", "StartPeriod", "StartInterval"), Duration(0)),
        "Retries": 0,
        "Test": NIL_LIST,
    },
    "Mounts": {"Name": "", "Driver": ""},
    "HostConfig Mounts": {
        "Source": "",
        "ReadOnly": False,
        "Consistency": "",
        **dict.fromkeys(("BindOptions", "VolumeOptions", "ImageOptions"), NIL_POINTER),
        **dict.fromkeys(("TmpfsOptions", "ClusterOptions"), NIL_POINTER),
    },
    "volume": {"ClusterVolume": NIL_POINTER, "Status": NIL_MAP, "UsageData": NIL_POINTER},
    "IPAM Config": {"IPRange": "", "Gateway": "", "AuxiliaryAddresses": NIL_MAP},
}
# Parts that have the name of another.
_NAMESAKES = {
    ("image", "Config"): "image Config",
    ("IPAM", "Config"): "IPAM Config",
    ("HostConfig", "Mounts"): "HostConfig Mounts",
}
_DURATIONS = frozenset(("Interval", "Timeout", "StartPeriod", "StartInterval"))
_MOMENTS = frozenset(("Log.Start", "Log.End", "Metadata.LastTagTime", "network.Created"))


def typed_document(document: Mapping[str, object], type_name: str = "") -> Struct:
    """`document` as a template is to see it; errors call it `type_name`."""
    return _struct(document, _kind_of(document), type_name)


def _kind_of(document: Mapping[str, object]) -> str:
    if "HostConfig" in document:
        return ""
    if "RootFS" in document:
        return "image"
    return "network" if "IPAM" in document else "volume"


def _struct(items: Mapping[str, object], name: str, type_name: str = "") -> Struct:
    fields = {key: _typed(value, key, name) for key, value in items.items()}
    omitted = {key: zero for key, zero in _OMITTED.get(name, {}).items() if key not in fields}
    fields |= omitted
    shape = SHAPES.get(name, ())
    known = list(names_in(shape))
    ordered = {key: fields[key] for key in known if key in fields} | fields
    embedded = {
        part[0]: tuple(key for key in part[1] if key in fields)
        for part in shape
        if isinstance(part, tuple)
    }
    return Struct(ordered, frozenset(omitted), embedded, type_name)


def _typed(value: object, key: str, parent: str) -> object:
    element = _MAPS.get(key) or _MAPS.get(f"{parent}.{key}")
    if value is None:
        return NIL_POINTER if key in _POINTERS else NIL_MAP if element else NIL_LIST
    if isinstance(value, dict):
        if element:
            items = {name: _typed(item, f"{key} item", key) for name, item in value.items()}
            return Map(items, element)
        return _struct(value, _NAMESAKES.get((parent, key), key))
    if isinstance(value, list | tuple):
        return [_typed(item, key, parent) for item in value]
    if isinstance(value, int) and parent == "Healthcheck" and key in _DURATIONS:
        return Duration(value)
    if isinstance(value, str) and f"{parent}.{key}" in _MOMENTS:
        return Moment(value)
    return value
