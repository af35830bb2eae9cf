"""What a client asks of the Dockerfile frontend, as options of a build.

    filename, target, platform, no-cache, image-resolve-mode, add-hosts, shm-size, ulimit, ...
    build-arg:NAME   label:NAME   context:NAME

What is not known is refused: a build that leaves out what was asked for is not the one wanted.
"""

import json
from collections.abc import Iterator, Mapping

from wherry.api.buildkit.messages.control import CacheOption, CacheOptions
from wherry.errors import InvalidArgument, Unsupported
from wherry.values import dataclass, field

_BUILD_ARG, _LABEL, _CONTEXT, _ATTEST = "build-arg:", "label:", "context:", "attest:"
_LOCAL = "local:"
_OF_OTHERS = (
    *("filename", "context", "dockerfilekey", "contextkey"),  # see `Definition`
    *("frontend.caps", "requestid", "source", "cmdline"),
)
_TELLING = ("vcs:", "sharedkey:localdir:", "local-sessionid:", "input:")
"""What says how something is called, or came about."""
_TRUE, _FALSE = ("1", "t", "T", "TRUE", "true", "True"), ("0", "f", "F", "FALSE", "false", "False")


class SeveralPlatforms(Unsupported):
    def __init__(self, asked: str) -> None:
        super().__init__(f"images of several platforms are not built over the API: {asked}")


class UnsupportedOption(Unsupported):
    def __init__(self, name: str) -> None:
        super().__init__(f"the build option {name} is not supported by this engine")


@dataclass(frozen=True, kw_only=True, slots=True)
class Definition:
    """Where Dockerfile and contexts are. `locals` are names of folders of the client's."""

    filename: str = "Dockerfile"
    url: str = ""
    """Of the context, where that is not a folder of the client's."""
    own_dockerfile: bool = False
    """Whether the Dockerfile is the client's although the context is not."""
    locals: Mapping[str, str] = field(default_factory=dict)
    """By the names of contexts."""
    shared_keys: Mapping[str, str] = field(default_factory=dict)


def read_definition(attrs: Mapping[str, str]) -> Definition:
    """Where what is to be built is."""
    for key, usual in (("contextkey", "context"), ("dockerfilekey", "dockerfile")):
        if attrs.get(key, usual) != usual:
            raise UnsupportedOption(key)
    return Definition(
        filename=attrs.get("filename") or "Dockerfile",
        url=attrs.get("context", ""),
        own_dockerfile="dockerfilekey" in attrs,
        locals={
            name: text.removeprefix(_LOCAL)
            for name, text in _those(attrs, _CONTEXT)
            if text.startswith(_LOCAL)
        },
        shared_keys=dict(_those(attrs, "sharedkey:localdir:")),
    )


def read_attributes(attrs: Mapping[str, str], entitlements: tuple[str, ...]) -> dict[str, object]:
    """Options of `BuildOptions`, as plain values: they go to another process."""
    options: dict[str, object] = {
        "build_args": dict(_those(attrs, _BUILD_ARG)),
        "labels": dict(_those(attrs, _LABEL)),
        "build_contexts": dict(_named_contexts(attrs)),
        "allow": tuple(dict.fromkeys(entitlements)),
    }
    for name, value in attrs.items():
        if name in _OF_OTHERS or name.startswith((_BUILD_ARG, _LABEL, _CONTEXT, *_TELLING)):
            continue
        if name.startswith(_ATTEST):
            _refuse_attestation(name, value)
        else:
            options.update(_option(name, value))
    return options


def _option(name: str, value: str) -> dict[str, object]:
    match name:
        case "target":
            return {name: value}
        case "platform":
            if "," in value:
                raise SeveralPlatforms(f"{name}={value}")
            return {name: value}
        case "cgroup-parent":
            return {"cgroup_parent": value}
        case "no-cache":
            return {"no_cache_filter": tuple(value.split(","))} if value else {"no_cache": True}
        case "image-resolve-mode":
            if value not in ("", "default", "local", "pull"):
                raise InvalidArgument(f"invalid image-resolve-mode: {value}")
            return {"pull": value == "pull"}
        case "add-hosts":
            return {"add_hosts": tuple(each.replace("=", ":", 1) for each in _list(value))}
        case "ulimit":
            return {"ulimits": tuple(_list(value))}
        case "shm-size":
            return {"shm_size": _number(name, value)}
        case "force-network-mode":
            return {"network": "default" if value == "sandbox" else value}
        case "multi-platform":
            if value in _TRUE:
                raise SeveralPlatforms(f"{name}={value}")
            return {}
        case "cache-imports" | "cache-from":
            return {}  # see `cache_options`
    raise UnsupportedOption(name)


def _those(attrs: Mapping[str, str], front: str) -> Iterator[tuple[str, str]]:
    for name, value in attrs.items():
        if name.startswith(front):
            yield name.removeprefix(front), value


def _named_contexts(attrs: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for name, text in _those(attrs, _CONTEXT):
        if text.startswith(("input:", "target:", "oci-layout:")):
            kind = text.partition(":")[0]
            raise Unsupported(f"the context {name} is of the kind {kind}, which is not supported")
        if not text.startswith(_LOCAL):
            yield name, text


def _refuse_attestation(name: str, value: str) -> None:
    if "disabled=true" not in value.split(","):
        kind = name.removeprefix(_ATTEST)
        raise Unsupported(f"attestations ({kind}) are not made by this engine")


def _list(text: str) -> list[str]:
    return [each for each in text.split(",") if each]


def _number(name: str, text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise InvalidArgument(f"failed to parse {name}: {text}")
    return int(text)


# ---- caches


def cache_options(attrs: Mapping[str, str], cache: CacheOptions | None) -> dict[str, object]:
    """--cache-from and --cache-to, as their flags are written."""
    cache = cache or CacheOptions()
    imports = [*cache.imports, *_listed_imports(attrs.get("cache-imports", ""))]
    references = [*cache.import_refs, *_list(attrs.get("cache-from", ""))]
    imports += [CacheOption(type="registry", attrs={"ref": each}) for each in references]
    exports = list(cache.exports)
    if cache.export_ref:
        attrs_of = {**cache.export_attrs, "ref": cache.export_ref}
        exports.append(CacheOption(type="registry", attrs=attrs_of))
    return {
        "cache_from": tuple(dict.fromkeys(_flag(each) for each in imports)),
        "cache_to": tuple(dict.fromkeys(_flag(each) for each in exports)),
    }


def _listed_imports(text: str) -> Iterator[CacheOption]:
    if not text:
        return
    try:
        for each in json.loads(text):
            yield CacheOption(type=str(each["Type"]), attrs=dict(each.get("Attrs") or {}))
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise InvalidArgument(f'failed to unmarshal cache-imports ("{text}")') from error


def _flag(option: CacheOption) -> str:
    if option.type not in ("registry", "inline"):
        raise Unsupported(f"caches of the type {option.type} are not supported over the API")
    for name, value in option.attrs.items():
        if "," in value or '"' in value:
            raise InvalidArgument(f"invalid value of {name} of a cache: {value}")
    fields = [f"type={option.type}", *(f"{name}={value}" for name, value in option.attrs.items())]
    return ",".join(fields)
