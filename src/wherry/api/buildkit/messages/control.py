"""moby.buildkit.v1.Control: what a client asks the builder for."""

from wherry.api.buildkit.messages.common import PLATFORM, TIMESTAMP, PlatformMessage, Timestamp
from wherry.api.buildkit.wire import FLAG, NUMBER, RAW, TEXT, Codec, Texts, many, mapping
from wherry.values import dataclass, field


@dataclass(frozen=True, kw_only=True, slots=True)
class CacheOption:
    """One --cache-from or --cache-to."""

    type: str = ""
    attrs: Texts = field(default_factory=dict)


CACHE_OPTION = Codec(CacheOption, type=(1, TEXT), attrs=(2, mapping(TEXT)))


@dataclass(frozen=True, kw_only=True, slots=True)
class CacheOptions:
    export_ref: str = ""
    import_refs: tuple[str, ...] = ()
    export_attrs: Texts = field(default_factory=dict)
    exports: tuple[CacheOption, ...] = ()
    imports: tuple[CacheOption, ...] = ()


CACHE_OPTIONS = Codec(
    CacheOptions,
    export_ref=(1, TEXT),
    import_refs=(2, many(TEXT)),
    export_attrs=(3, mapping(TEXT)),
    exports=(4, many(CACHE_OPTION.kind)),
    imports=(5, many(CACHE_OPTION.kind)),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Exporter:
    """One --output."""

    type: str = ""
    attrs: Texts = field(default_factory=dict)


EXPORTER = Codec(Exporter, type=(1, TEXT), attrs=(2, mapping(TEXT)))


@dataclass(frozen=True, kw_only=True, slots=True)
class SolveRequest:
    """A build. `definition` and `inputs` are graphs of BuildKit's own: not carried out here."""

    ref: str = ""
    definition: bytes = b""
    exporter: str = ""
    exporter_attrs: Texts = field(default_factory=dict)
    session: str = ""
    frontend: str = ""
    attrs: Texts = field(default_factory=dict)
    cache: CacheOptions | None = None
    entitlements: tuple[str, ...] = ()
    inputs: "dict[str, bytes]" = field(default_factory=dict)
    internal: bool = False
    source_policy: bytes = b""
    exporters: tuple[Exporter, ...] = ()


SOLVE_REQUEST = Codec(
    SolveRequest,
    ref=(1, TEXT),
    definition=(2, RAW),
    exporter=(3, TEXT),
    exporter_attrs=(4, mapping(TEXT)),
    session=(5, TEXT),
    frontend=(6, TEXT),
    attrs=(7, mapping(TEXT)),
    cache=(8, CACHE_OPTIONS.kind),
    entitlements=(9, many(TEXT)),
    inputs=(10, mapping(RAW)),
    internal=(11, FLAG),
    source_policy=(12, RAW),
    exporters=(13, many(EXPORTER.kind)),
)


@dataclass(frozen=True, slots=True)
class SolveResponse:
    exporter_response: Texts = field(default_factory=dict)


SOLVE_RESPONSE = Codec(SolveResponse, exporter_response=(1, mapping(TEXT)))


@dataclass(frozen=True, slots=True)
class StatusRequest:
    ref: str = ""


STATUS_REQUEST = Codec(StatusRequest, ref=(1, TEXT))


@dataclass(frozen=True, kw_only=True, slots=True)
class Version:
    package: str = ""
    version: str = ""
    revision: str = ""
    dockerfile_version: str = ""


VERSION = Codec(
    Version,
    package=(1, TEXT),
    version=(2, TEXT),
    revision=(3, TEXT),
    dockerfile_version=(4, TEXT),
)


@dataclass(frozen=True, slots=True)
class InfoResponse:
    version: Version | None = None


INFO_RESPONSE = Codec(InfoResponse, version=(1, VERSION.kind))


@dataclass(frozen=True, kw_only=True, slots=True)
class Worker:
    id: str = ""
    labels: Texts = field(default_factory=dict)
    platforms: tuple[PlatformMessage, ...] = ()
    version: Version | None = None


WORKER = Codec(
    Worker,
    id=(1, TEXT),
    labels=(2, mapping(TEXT)),
    platforms=(3, many(PLATFORM.kind)),
    version=(5, VERSION.kind),
)


@dataclass(frozen=True, slots=True)
class ListWorkersResponse:
    workers: tuple[Worker, ...] = ()


LIST_WORKERS_RESPONSE = Codec(ListWorkersResponse, workers=(1, many(WORKER.kind)))


@dataclass(frozen=True, kw_only=True, slots=True)
class DiskUsageRequest:
    filter: tuple[str, ...] = ()


DISK_USAGE_REQUEST = Codec(DiskUsageRequest, filter=(1, many(TEXT)))


@dataclass(frozen=True, kw_only=True, slots=True)
class UsageRecord:
    id: str = ""
    mutable: bool = False
    in_use: bool = False
    size: int = 0
    created: Timestamp | None = None
    last_used: Timestamp | None = None
    usage_count: int = 0
    description: str = ""
    type: str = ""
    shared: bool = False
    parents: tuple[str, ...] = ()


USAGE_RECORD = Codec(
    UsageRecord,
    id=(1, TEXT),
    mutable=(2, FLAG),
    in_use=(3, FLAG),
    size=(4, NUMBER),
    created=(6, TIMESTAMP.kind),
    last_used=(7, TIMESTAMP.kind),
    usage_count=(8, NUMBER),
    description=(9, TEXT),
    type=(10, TEXT),
    shared=(11, FLAG),
    parents=(12, many(TEXT)),
)


@dataclass(frozen=True, slots=True)
class DiskUsageResponse:
    records: tuple[UsageRecord, ...] = ()


DISK_USAGE_RESPONSE = Codec(DiskUsageResponse, records=(1, many(USAGE_RECORD.kind)))


@dataclass(frozen=True, kw_only=True, slots=True)
class PruneRequest:
    filter: tuple[str, ...] = ()
    all: bool = False
    keep_duration: int = 0
    reserved_space: int = 0
    max_used_space: int = 0
    min_free_space: int = 0


PRUNE_REQUEST = Codec(
    PruneRequest,
    filter=(1, many(TEXT)),
    all=(2, FLAG),
    keep_duration=(3, NUMBER),
    reserved_space=(4, NUMBER),
    max_used_space=(5, NUMBER),
    min_free_space=(6, NUMBER),
)
