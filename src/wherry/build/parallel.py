"""Stages beside each other, each in a process of its own.

Containers are forked from a process with one thread, so stages that can be built at the same time
are built by forks of the builder, which report over a pipe what happens and what came out. A
single stage is built by the builder itself: most builds never fork here.
"""

import marshal
import os
import select
import signal
from collections.abc import Mapping
from contextlib import suppress
from struct import Struct
from typing import Any, NoReturn, Protocol

from wherry.build.configuration import Draft
from wherry.build.errors import BuildFailed, Place
from wherry.build.graph import FromStage, StageGraph
from wherry.build.order import Workshop
from wherry.build.progress import Event, Kind
from wherry.build.scope import Origin, Scope, Value
from wherry.build.stage import NotCached, StageResult
from wherry.errors import Internal, WherryError, kind_of, rebuilt
from wherry.linux.files import write_all
from wherry.linux.process import PrctlOption, prctl
from wherry.oci.digest import ChainID, Digest
from wherry.oci.image_config import ImageConfig
from wherry.store.build_cache import Use
from wherry.store.build_history import PastStep
from wherry.store.layers import Layer, chain_of, claim_layer
from wherry.values import astuple, dataclass, replace

_LENGTH = Struct("<I")
_EVENT, _RESULT, _ERROR = range(3)
_READ = 1 << 16


class BuildStage(Protocol):
    """Builds the stage of an index with what it is built on."""

    def __call__(
        self,
        index: int,
        workshop: Workshop,
        results: Mapping[int, StageResult],
        *,
        cached_only: bool = False,
    ) -> StageResult:
        """With `cached_only` raises NotCached instead of carrying a step out."""


def run_stages(
    workshop: Workshop, graph: StageGraph, build: BuildStage, *, only_cached: bool = False
) -> StageResult:
    """Build every stage of the graph; the target's result, with the uses of all.

    With `only_cached` raises NotCached instead of carrying a step out.
    """
    results: dict[int, StageResult] = {}
    waiting = {index: _needs(graph, index) for index in graph.nodes}
    running: dict[int, _Child] = {}
    try:
        while waiting or running:
            ready = sorted(index for index, needs in waiting.items() if needs <= results.keys())
            for index in ready:
                del waiting[index]
            if only_cached or (len(ready) == 1 and not running):
                for index in ready:
                    results[index] = build(index, workshop, results, cached_only=only_cached)
                continue
            for index in ready:
                if (result := _cached(workshop, index, results, build)) is not None:
                    results[index] = result
                else:
                    running[index] = _fork(workshop, index, results, build)
            if running and not (results.keys() & ready):
                _collect(workshop, running, results)
    except BaseException:
        _end(running)
        raise
    target = results[graph.target]
    uses = tuple(use for result in results.values() for use in result.uses)
    return replace(target, uses=uses)


def _cached(
    workshop: Workshop, index: int, results: Mapping[int, StageResult], build: BuildStage
) -> StageResult | None:
    """The stage, if nothing of it has to be carried out: that needs no process."""
    events: list[Event] = []
    try:
        shop = replace(workshop, report=events.append)
        result = build(index, shop, results, cached_only=True)
    except NotCached:
        return None
    for event in events:
        workshop.report(event)
    return result


def _needs(graph: StageGraph, index: int) -> set[int]:
    return {need.index for need in graph.nodes[index].needs if isinstance(need, FromStage)}


@dataclass(slots=True)
class _Child:
    pid: int
    pipe: int
    data: bytearray


def _fork(
    workshop: Workshop, index: int, results: Mapping[int, StageResult], build: BuildStage
) -> _Child:
    workshop.store.database.close()  # no connection may be used on both sides of a fork
    reader, writer = os.pipe2(os.O_CLOEXEC)
    pid = os.fork()
    if pid == 0:
        os.close(reader)
        _be_child(workshop, index, results, build, writer)
    os.close(writer)
    return _Child(pid, reader, bytearray())


def _be_child(
    workshop: Workshop,
    index: int,
    results: Mapping[int, StageResult],
    build: BuildStage,
    writer: int,
) -> NoReturn:
    # A builder that was killed does not leave its stages at work.
    prctl(PrctlOption.SET_PDEATHSIG, signal.SIGTERM)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupt_once)

    def report(event: Event) -> None:
        _send(writer, _EVENT, (int(event.kind), *astuple(event)[1:]))

    own = replace(workshop, lease=workshop.lease.shared_with(f"stage{index}"), report=report)
    status = 0
    try:
        result = build(index, own, results)
        _send(writer, _RESULT, _packed(result))
    except KeyboardInterrupt:
        status = 130
    except WherryError as error:
        _send(writer, _ERROR, _packed_error(error))
    except BaseException as error:  # noqa: BLE001 - told to the parent, which raises it
        import traceback

        text = "".join(traceback.format_exception(error))
        _send(writer, _ERROR, _packed_error(Internal(f"stage {index}: {text}")))
    finally:
        os._exit(status)


def _interrupt_once(_number: int, _frame: object) -> None:
    """The terminal's ctrl-c comes to all processes, and then the parent ends its children: the
    second time would be in the middle of clearing up."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _disregard)  # unlike SIG_IGN it is no business of what we execute
    raise KeyboardInterrupt


def _disregard(_number: int, _frame: object) -> None:
    return


def _send(writer: int, kind: int, value: tuple[Any, ...]) -> None:
    data = marshal.dumps((kind, value))
    write_all(writer, _LENGTH.pack(len(data)) + data)


def _collect(
    workshop: Workshop, running: dict[int, _Child], results: dict[int, StageResult]
) -> None:
    """Take in what the children say until one of them has finished."""
    poll = select.poll()
    by_pipe = {child.pipe: index for index, child in running.items()}
    for pipe in by_pipe:
        poll.register(pipe, select.POLLIN)
    while True:
        for pipe, _ in poll.poll():
            child = running[by_pipe[pipe]]
            data = os.read(pipe, _READ)
            child.data += data
            ended = not data
            for kind, value in _messages(child.data):
                if kind == _EVENT:
                    workshop.report(_event(value))
                    continue
                index = by_pipe[pipe]
                del running[index]
                _reap(child)
                if kind == _ERROR:
                    raise _unpacked_error(value)
                results[index] = _unpacked(workshop, value)
                return
            if ended:
                raise Internal("the process that built a stage was killed")


def _messages(data: bytearray) -> "list[tuple[int, tuple[object, ...]]]":
    messages = []
    while len(data) >= _LENGTH.size:
        (length,) = _LENGTH.unpack_from(data)
        end = _LENGTH.size + length
        if len(data) < end:
            break
        messages.append(marshal.loads(bytes(data[_LENGTH.size : end])))
        del data[:end]
    return messages


def _reap(child: _Child) -> None:
    os.close(child.pipe)
    with suppress(ChildProcessError):
        os.waitpid(child.pid, 0)


def _end(running: dict[int, _Child]) -> None:
    """Stop what is still at work, and wait: its containers are gone then."""
    for child in running.values():
        with suppress(ProcessLookupError):
            os.kill(child.pid, signal.SIGTERM)
    for child in running.values():
        _reap(child)


# ---- values on their way through a pipe


def _packed(result: StageResult) -> tuple[object, ...]:
    uses = tuple(
        (use.place, use.number, str(use.key), use.step and astuple(use.step)) for use in result.uses
    )
    document = result.draft.config.to_bytes()
    variables = tuple(
        (name, value.text, value.origin.value)
        for name, value in result.scope.values_by_name.items()
    )
    scope = (variables, result.scope.arguments)
    return (document, result.draft.command_is_own, str(result.top or ""), uses, scope)


def _unpacked(workshop: Workshop, value: tuple[object, ...]) -> StageResult:
    document, command_is_own, top, uses, scope = value
    assert isinstance(document, bytes)
    assert isinstance(uses, tuple)
    assert isinstance(scope, tuple)
    variables, arguments = scope
    layers: tuple[Layer, ...] = ()
    if top:
        chain = ChainID(str(top))
        claim_layer(workshop.lease, chain)
        layers = tuple(reversed(chain_of(workshop.store, chain)))
    return StageResult(
        draft=Draft(ImageConfig.from_bytes(document), bool(command_is_own)),
        layers=layers,
        uses=tuple(
            Use(place, number, Digest(key), _past_step(step)) for place, number, key, step in uses
        ),
        scope=Scope({name: Value(text, Origin(o)) for name, text, o in variables}, arguments),
    )


def _past_step(values: tuple[Any, ...] | None) -> PastStep | None:
    if values is None:
        return None
    number, text, reason, changed, duration_ns, overhead_ns = values
    return PastStep(
        number=number,
        text=text,
        reason=reason,
        changed=tuple(changed),
        duration_ns=duration_ns,
        overhead_ns=overhead_ns,
    )


def _packed_error(error: WherryError) -> tuple[object, ...]:
    if not isinstance(error, BuildFailed):
        return (error.message, error.hint, kind_of(error), "", None, b"", "", 0)
    place = None if error.place is None else astuple(error.place)
    process = (error.command, error.status)
    return (error.message, error.hint, error.kind, error.step, place, error.log, *process)


def _unpacked_error(value: tuple[object, ...]) -> WherryError:
    message, hint, kind, step, place, log, command, status = value
    assert isinstance(log, bytes)
    assert isinstance(status, int)
    if not step and place is None:
        return rebuilt(str(kind), str(message), str(hint))
    return BuildFailed(
        str(message),
        hint=str(hint),
        kind=str(kind),
        step=str(step),
        place=Place(*place) if isinstance(place, tuple) else None,
        log=log,
        command=str(command),
        status=status,
    )


def _event(value: tuple[object, ...]) -> Event:
    kind, vertex, text, data, stream, cached, time_ns = value
    assert isinstance(kind, int)
    assert isinstance(data, bytes)
    assert isinstance(stream, int)
    assert isinstance(time_ns, int)
    return Event(Kind(kind), str(vertex), str(text), data, stream, bool(cached), time_ns)
