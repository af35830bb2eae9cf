"""Advice on the order of a Dockerfile's steps, from the builds that were made of it here."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from wherry.build.advice import Advised, Known, advise
from wherry.build.build_stage import LAYERED
from wherry.build.graph import BuildRequest, StageNode, stage_graph
from wherry.build.order import BuildOrder
from wherry.build.stage import place_number
from wherry.dockerfile.instructions import Arg, Env, Shell, User
from wherry.engine.builds.build import prepared, quiet
from wherry.engine.builds.options import BuildOptions
from wherry.store.build_cache import inputs_of, record_at
from wherry.store.build_history import past_builds

if TYPE_CHECKING:
    from sqlite3 import Connection

    from wherry.engine.engine import Engine

_BARS = (Arg, Env, Shell, User)


def advise_on_build(engine: "Engine", options: BuildOptions) -> Advised:
    """What the builds of this Dockerfile would have gained by other orders of its steps."""
    connection = engine.store.database.connection
    with prepared(engine, options, quiet) as (_, order):
        request = BuildRequest(
            build_platform=order.build_platform,
            target_platform=order.platform,
            target=order.target,
            build_args=order.build_args,
            contexts=frozenset(order.contexts),
        )
        graph = stage_graph(order.dockerfile, request)
        stages = [tuple(_known(connection, order, node)) for node in graph.nodes.values()]
        return advise(stages, past_builds(connection, order.place))


def _known(connection: "Connection", order: BuildOrder, node: StageNode) -> Iterator[Known]:
    """The steps of a stage that make layers, with what their last records say of them."""
    source = order.dockerfile.source
    number = 1
    is_barred = False
    for instruction in node.instructions:
        if not isinstance(instruction, LAYERED):
            is_barred |= isinstance(instruction, _BARS)
            continue
        number += 1
        place = place_number(node.stage.index, number)
        record = record_at(connection, order.place, place)
        if record is None:  # such as WORKDIR /, which makes no layer
            continue
        facts, files = _documents(inputs_of(connection, record.key) or {})
        arguments = facts.get("arguments")
        yield Known(
            number=place,
            text=instruction.statement.original,
            line=source.line_of(instruction.span.start),
            instruction=instruction.NAME,
            command=_command(facts.get("command")),
            files=frozenset(path for path, word in files.items() if not word.endswith(" /")),
            destination=str(facts.get("destination") or ""),
            arguments=frozenset(arguments if isinstance(arguments, dict) else ()),
            is_barred=is_barred,
        )
        is_barred = False


def _documents(inputs: Mapping[str, object]) -> tuple[dict[str, object], dict[str, str]]:
    facts, files = inputs.get("facts"), inputs.get("files")
    return facts if isinstance(facts, dict) else {}, files if isinstance(files, dict) else {}


def _command(words: object) -> str:
    """The script of a RUN: behind the shell, or all of its words."""
    if not isinstance(words, list):
        return ""
    texts = [str(word) for word in words]
    return texts[2] if texts[1:2] == ["-c"] and len(texts) == 3 else " ".join(texts)
