"""The query of POST /build, as the options of a build."""

from wherry.api.call import Call
from wherry.api.fields import Fields
from wherry.api.query import Query
from wherry.api.requests.credentials import credentials_of
from wherry.api.requests.resources import read_ulimits
from wherry.build.urls import is_remote
from wherry.errors import InvalidArgument, Unsupported
from wherry.oci.codec import InvalidDocument
from wherry.oci.documents import load_document
from wherry.registry.credentials import Credential
from wherry.values import fields


class InvalidBuildParameter(InvalidArgument):
    def __init__(self, what: str, problem: str) -> None:
        super().__init__(f"error reading {what}: {problem}")


def read_build(call: Call) -> dict[str, object]:
    """Options of `BuildOptions`, as plain values: they go to another process.

    `rm` and `forcerm` are met whatever they say: no container is kept. The language is BuildKit's,
    whichever `version` of the protocol is spoken.
    """
    query = call.query
    _refuse(query)
    if query.has("session"):
        raise Unsupported("a session belongs to version 2 of the protocol of builds")
    if query.has("remote") and not is_remote(query.text("remote")):
        raise InvalidArgument(f"remote: {query.text('remote')} is no address of a context")
    if query.has("outputs"):
        raise Unsupported("outputs: a build without a session makes an image, and nothing else")
    return {
        "context": query.text("remote") or "-",
        "file": query.text("dockerfile"),
        **_common(call),
        "squash": query.flag("squash"),
        "cache_images": _cache_from(query),
        "credentials": {domain: _plain(each) for domain, each in credentials_of(call).items()},
    }


def read_session_build(call: Call) -> dict[str, object]:
    """The same of version 2, by BuildKit's protocol."""
    query = call.query
    _refuse(query)
    if query.flag("squash"):
        raise InvalidArgument("experimental squash is not supported with BuildKit")
    sources = tuple(f"type=registry,ref={name}" for name in _cache_from(query) or ())
    return {**_common(call), "cache_from": sources}


def _common(call: Call) -> dict[str, object]:
    query = call.query
    options: dict[str, object] = {
        "tags": tuple(query.texts("t")),
        "target": query.text("target"),
        "build_args": _pairs(query, "buildargs", "build args"),
        "labels": _pairs(query, "labels", "labels"),
        "no_cache": query.flag("nocache"),
        "pull": query.flag("pull"),
        "platform": query.text("platform") if call.speaks("1.32") else "",
        "network": query.text("networkmode"),
        "add_hosts": tuple(query.texts("extrahosts")),
        "shm_size": query.integer("shmsize"),
        "ulimits": _ulimits(query),
        "memory": query.integer("memory"),
        "memory_swap": query.integer("memswap"),
        "cpu_period": query.integer("cpuperiod"),
        "cpu_quota": query.integer("cpuquota"),
        "cpu_shares": query.integer("cpushares"),
        "cpuset_cpus": query.text("cpusetcpus"),
        "cpuset_mems": query.text("cpusetmems"),
        "cgroup_parent": query.text("cgroupparent"),
    }
    if not any(options["tags"]):  # type: ignore[arg-type]
        options["tags"] = ()
    return options


def _plain(credential: Credential) -> dict[str, object]:
    return {each.name: getattr(credential, each.name) for each in fields(credential)}


def _refuse(query: Query) -> None:
    version = query.text("version", "1")
    if version not in ("1", "2"):
        raise InvalidArgument(f'invalid version "{version}"')
    if query.text("isolation") not in ("", "default"):
        raise InvalidArgument(f'Unsupported isolation: "{query.text("isolation")}"')
    if query.has("securityopt") and query.text("securityopt") not in ("null", "[]"):
        raise InvalidArgument(
            "The daemon on this platform does not support setting security options on build"
        )


def _pairs(query: Query, key: str, what: str) -> dict[str, str]:
    """An object of strings; null is a variable of the client's that is not set."""
    value = _json(query, key, what)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise InvalidBuildParameter(what, "is not an object")
    return Fields({key: {name: word for name, word in value.items() if word is not None}}).pairs(
        key
    )


def _cache_from(query: Query) -> tuple[str, ...] | None:
    value = _json(query, "cachefrom", "cache-from")
    if not value:
        return None
    return Fields({"cachefrom": value}).texts("cachefrom")


def _ulimits(query: Query) -> tuple[str, ...]:
    value = _json(query, "ulimits", "ulimit settings")
    limits = read_ulimits(Fields({"ulimits": value}), "ulimits")
    return tuple(f"{each.name}={each.soft}:{each.hard}" for each in limits)


def read_outputs(query: Query) -> tuple[tuple[str, dict[str, str]], ...]:
    """Kinds of outputs with their attributes."""
    found = Fields({"outputs": _json(query, "outputs", "outputs")}).objects("outputs")
    return tuple((each.text("Type"), each.pairs("Attrs")) for each in found)


def _json(query: Query, key: str, what: str) -> object:
    text = query.text(key)
    if not text:
        return None
    try:
        return load_document(text.encode(), what)
    except InvalidDocument as error:
        raise InvalidBuildParameter(what, error.message) from error
