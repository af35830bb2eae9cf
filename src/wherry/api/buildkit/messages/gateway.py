"""moby.buildkit.v1.frontend.LLBBridge: a client that drives its build step by step."""

from wherry.api.buildkit.messages.common import STATUS, Status
from wherry.api.buildkit.messages.control import WORKER, Worker
from wherry.api.buildkit.wire import FLAG, RAW, TEXT, Codec, Texts, many, mapping
from wherry.values import dataclass, field


@dataclass(frozen=True, kw_only=True, slots=True)
class Capability:
    id: str = ""
    enabled: bool = True


CAPABILITY = Codec(Capability, id=(1, TEXT), enabled=(2, FLAG))


@dataclass(frozen=True, kw_only=True, slots=True)
class Pong:
    frontend: tuple[Capability, ...] = ()
    graph: tuple[Capability, ...] = ()
    workers: tuple[Worker, ...] = ()


PONG = Codec(
    Pong,
    frontend=(1, many(CAPABILITY.kind)),
    graph=(2, many(CAPABILITY.kind)),
    workers=(3, many(WORKER.kind)),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class GatewaySolveRequest:
    definition: bytes = b""
    frontend: str = ""
    attrs: Texts = field(default_factory=dict)
    inputs: "dict[str, bytes]" = field(default_factory=dict)
    evaluate: bool = False


GATEWAY_SOLVE_REQUEST = Codec(
    GatewaySolveRequest,
    definition=(1, RAW),
    frontend=(2, TEXT),
    attrs=(3, mapping(TEXT)),
    inputs=(13, mapping(RAW)),
    evaluate=(14, FLAG),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Ref:
    id: str = ""


REF = Codec(Ref, id=(1, TEXT))


@dataclass(frozen=True, kw_only=True, slots=True)
class Result:
    """What a solve came to: one result, by its name, and facts on it."""

    former_ref: str = ""
    ref: Ref | None = None
    many_refs: bytes = b""
    metadata: "dict[str, bytes]" = field(default_factory=dict)


RESULT = Codec(
    Result,
    former_ref=(1, TEXT),
    ref=(3, REF.kind),
    many_refs=(4, RAW),
    metadata=(10, mapping(RAW)),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class GatewaySolveResponse:
    ref: str = ""
    result: Result | None = None


GATEWAY_SOLVE_RESPONSE = Codec(GatewaySolveResponse, ref=(1, TEXT), result=(3, RESULT.kind))


@dataclass(frozen=True, kw_only=True, slots=True)
class ReturnRequest:
    result: Result | None = None
    error: Status | None = None


RETURN_REQUEST = Codec(ReturnRequest, result=(1, RESULT.kind), error=(2, STATUS.kind))


@dataclass(frozen=True, slots=True)
class EvaluateRequest:
    ref: str = ""


EVALUATE_REQUEST = Codec(EvaluateRequest, ref=(1, TEXT))
