"""What `build` is asked for, as values; the texts of its flags read."""

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from wherry.build.order import Secret
from wherry.dockerfile.mounts import split_fields
from wherry.errors import InvalidArgument, Unsupported, WherryError
from wherry.oci.platform import Platform
from wherry.registry.credentials import Credential
from wherry.values import dataclass, field, fields

if TYPE_CHECKING:
    from wherry.engine.builds.offers import Offers

_LARGEST_SECRET = 500 << 10  # bytes, BuildKit's bound


@dataclass(frozen=True, kw_only=True)
class BuildOptions:
    """What is asked of a build. Names are those of the flags of `wherry build`."""

    context: str
    file: str = ""
    tags: tuple[str, ...] = ()
    target: str = ""
    build_args: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    build_contexts: Mapping[str, str] = field(default_factory=dict)
    secrets: tuple[str, ...] = ()
    ssh: tuple[str, ...] = ()
    no_cache: bool = False
    no_cache_filter: tuple[str, ...] = ()
    pull: bool = False
    platform: str = ""
    network: str = ""
    add_hosts: tuple[str, ...] = ()
    shm_size: int = 0
    ulimits: tuple[str, ...] = ()
    memory: int = 0
    memory_swap: int = 0
    cpu_period: int = 0
    cpu_quota: int = 0
    cpu_shares: int = 0
    cpuset_cpus: str = ""
    cpuset_mems: str = ""
    cgroup_parent: str = ""
    ignorefile: str = ""
    allow: tuple[str, ...] = ()
    on_error: str = ""
    outputs: tuple[str, ...] = ()
    push: bool = False
    load: bool = False
    squash: bool = False
    cache_from: tuple[str, ...] = ()
    cache_to: tuple[str, ...] = ()
    cache_images: tuple[str, ...] | None = None
    """The images whose layers alone the cache may give; None is all that is here."""
    credentials: Mapping[str, Credential] | None = None
    """By the domains of registries; None is what this user's file has."""
    offers: "Offers | None" = None
    """What the client of the build has instead of `secrets` and `ssh`."""
    annotations: tuple[str, ...] = ()
    attest: tuple[str, ...] = ()
    provenance: str = ""
    sbom: str = ""
    cwd: str = ""
    environ: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))


def options_from(**options: object) -> BuildOptions:
    """The options of the Python API, where a list will do for a tuple."""
    known = {field.name for field in fields(BuildOptions)} - {"offers"}  # of the service's clients
    if unknown := options.keys() - known:
        raise InvalidArgument(f"unknown option of build: {min(unknown)}")
    values = {
        name: tuple(value) if isinstance(value, list) else value for name, value in options.items()
    }
    return BuildOptions(**values)  # type: ignore[arg-type]


ENTITLEMENTS = ("network.host", "security.insecure")


def check_options(options: BuildOptions) -> None:
    """Refuse what cannot be read, before a step finds it out."""
    from wherry.engine.containers.options.resources import parse_ulimit
    from wherry.network.names import parse_extra_host

    for flag, texts, parse in (
        ("ulimit", options.ulimits, parse_ulimit),
        ("add-host", options.add_hosts, parse_extra_host),
        ("allow", options.allow, _entitlement),
    ):
        for text in texts:
            try:
                parse(text)
            except (ValueError, WherryError) as error:
                raise InvalidArgument(
                    f'invalid argument "{text}" for "--{flag}" flag: {error}'
                ) from error


def _entitlement(text: str) -> str:
    if text not in ENTITLEMENTS:
        raise InvalidArgument(f"unknown entitlement, one of {', '.join(ENTITLEMENTS)}")
    return text


class SeveralPlatforms(Unsupported):
    """As Docker says it of its classic image store, where a tag names one image, too."""

    def __init__(self, text: str) -> None:
        super().__init__(
            f"Multi-platform build is not supported: a tag names one image, not those of {text}",
            hint="an index of them can be pushed, --push, or archived, -o type=oci,dest=FILE",
        )


def asked_platform(options: BuildOptions) -> Platform | None:
    """The one platform that is asked for; None is this machine's."""
    texts = _platforms(options)
    if len(texts) > 1:
        raise SeveralPlatforms(",".join(texts))
    return None if texts[0] in ("", "local") else Platform.parse(texts[0])


def asked_platforms(options: BuildOptions) -> tuple[Platform, ...]:
    """All platforms that are asked for, each once; this machine's if none is."""
    host = Platform.host()
    words = ("" if text == "local" else text for text in _platforms(options))
    return tuple(dict.fromkeys(Platform.parse(word) if word else host for word in words))


def _platforms(options: BuildOptions) -> list[str]:
    text = options.platform or options.environ.get("DOCKER_DEFAULT_PLATFORM", "")
    return [word.strip() for word in text.split(",")]


def key_settings(options: BuildOptions) -> dict[str, object]:
    """Those of them that count for the cache: BuildKit's, what a program can see."""
    facts = {"hosts": sorted(options.add_hosts)} if options.add_hosts else {}
    if options.ulimits:
        facts["ulimits"] = sorted(options.ulimits)
    return dict(facts)


def parse_network(text: str) -> str:
    """--network of a build."""
    if text in ("", "default", "bridge"):
        return "default"
    return text  # one of one's own, or container:NAME, which BuildKit does not have


def build_arguments(texts: Iterable[str], environ: Mapping[str, str]) -> dict[str, str]:
    """--build-arg NAME=value; a name alone takes the environment's value, if it has one."""
    arguments: dict[str, str] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if equals:
            arguments[name] = value
        elif name in environ:
            arguments[name] = environ[name]
    return arguments


def parse_secrets(texts: Iterable[str], environ: Mapping[str, str]) -> dict[str, Secret]:
    """--secret id=NAME[,src=FILE|,env=VARIABLE][,type=file|env]."""
    secrets: dict[str, Secret] = {}
    for text in texts:
        fields = _fields(text, "secret")
        kind = fields.pop("type", "")
        source = fields.pop("src", "") or fields.pop("source", "")
        variable = fields.pop("env", "")
        name = fields.pop("id", "")
        if fields:
            raise InvalidArgument(f"unexpected key '{next(iter(fields))}' in '{text}'")
        if kind not in ("", "file", "env"):
            raise InvalidArgument(f'unsupported secret type "{kind}"')
        if kind == "env" and not variable:
            variable, source = source or name, ""
        if not name:
            name = os.path.basename(source) or variable
        if not source and not variable and name in environ:
            variable = name
        secrets[name] = _secret(name, source or ("" if variable else name), variable, environ)
    return secrets


def _secret(name: str, source: str, variable: str, environ: Mapping[str, str]) -> Secret:
    if variable:
        if variable not in environ:
            return Secret(read=lambda: b"")
        value = os.fsencode(environ[variable])
        return Secret(read=lambda: value)
    path = Path(source).expanduser()
    try:
        status = path.stat()
    except FileNotFoundError:
        raise InvalidArgument(
            f"failed to stat {source}: stat {source}: no such file or directory"
        ) from None
    if status.st_size > _LARGEST_SECRET:
        raise InvalidArgument(f"secret {name} too big. max size 500KB")
    return Secret(read=path.read_bytes)


def parse_ssh(texts: Iterable[str], environ: Mapping[str, str]) -> dict[str, Path]:
    """--ssh default|ID[=SOCKET]: the sockets of agents."""
    agents: dict[str, Path] = {}
    for text in texts:
        name, _, where = text.partition("=")
        where = where or environ.get("SSH_AUTH_SOCK", "")
        if not where:
            raise InvalidArgument("invalid empty ssh agent socket: make sure SSH_AUTH_SOCK is set")
        path = Path(where)
        if not path.is_socket():
            raise Unsupported(
                f"--ssh {text}: {where} is not the socket of an agent",
                hint="keys are handed in through an agent: ssh-add FILE, then --ssh default",
            )
        agents[name or "default"] = path
    return agents


def _fields(text: str, what: str) -> dict[str, str]:
    fields: dict[str, str] = {}
    for part in split_fields(text, what):
        key, equals, value = part.partition("=")
        if not equals:
            raise InvalidArgument(f"invalid field '{part}' must be a key=value pair")
        fields[key.lower().strip()] = value
    return fields
