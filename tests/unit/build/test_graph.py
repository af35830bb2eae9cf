"""Stages that a target needs, and the values that their steps see."""

from collections.abc import Mapping
from types import MappingProxyType

import pytest

from wherry.build.graph import (
    BuildRequest,
    FromContext,
    FromImage,
    FromStage,
    InvalidBuild,
    StageGraph,
    stage_graph,
)
from wherry.build.scope import Origin, Scope, base_scope
from wherry.build.steps import Step, resolve_steps, scope_after
from wherry.dockerfile.instructions import Copy, Expose, Run, Workdir
from wherry.dockerfile.parser import parse
from wherry.oci.platform import Platform

AMD, ARM = (Platform.parse(f"linux/{name}") for name in ("amd64", "arm64"))


def graph(
    text: str,
    target: str = "",
    contexts: frozenset[str] = frozenset(),
    triggers: dict[int, tuple[str, ...]] | None = None,
    build_args: Mapping[str, str] = MappingProxyType({}),
) -> StageGraph:
    request = BuildRequest(AMD, ARM, target, build_args, contexts)
    return stage_graph(parse(text), request, triggers)


def steps(text: str, environment: tuple[str, ...] = (), **build_args: str) -> tuple[Step, ...]:
    """Of the last stage."""
    found = graph(text, build_args=build_args)
    scope = base_scope(environment)
    return resolve_steps(found, found.nodes[found.target], scope, build_args, "\\")


def test_only_what_the_target_needs_is_built() -> None:
    text = (
        "FROM a AS one\nFROM b AS two\nFROM c AS three\nRUN --mount=from=two,target=/x y\n"
        "FROM three\nCOPY --from=0 s d\nCOPY --from=alpine s d\nFROM unused"
    )
    found = graph(text, "three")
    assert list(found.nodes) == [1, 2]
    found = graph(text, "3")
    assert list(found.nodes) == [0, 1, 2, 3]
    assert found.nodes[3].base == FromStage(2)
    assert found.nodes[3].sources == {0: (FromStage(0),), 1: (FromImage("alpine"),)}
    assert list(graph(text).nodes) == [4]


def test_the_base_is_named_by_global_arguments() -> None:
    text = "ARG V=1\nARG N=img:$V\nFROM --platform=$BUILDPLATFORM $N AS a\nFROM ${X:-a}"
    node = graph(text, "a").nodes[0]
    assert (node.base, node.platform, node.used) == (
        FromImage("img:1"),
        AMD,
        frozenset({"N", "BUILDPLATFORM"}),
    )
    assert graph(text, "a", build_args={"V": "2"}).nodes[0].base == FromImage("img:2")
    assert graph(text).nodes[1].base == FromStage(0)


def test_a_named_context_stands_for_a_stage_or_an_image() -> None:
    text = "FROM a AS one\nRUN x\nFROM docker.io/library/alpine\nCOPY --from=one s d\n"
    found = graph(text, contexts=frozenset({"one", "alpine"}))
    assert found.nodes[0].base == FromContext("one")
    assert found.nodes[0].instructions == ()
    assert found.nodes[1].base == FromContext("alpine")


def test_a_trigger_may_need_another_stage() -> None:
    text = "FROM a AS one\nFROM b AS two\nONBUILD RUN t\nFROM b\nRUN x\nFROM two\nRUN y"
    assert list(graph(text, "2").nodes) == [2]
    found = graph(text, "2", triggers={2: ("COPY --from=one s d",)})
    assert list(found.nodes) == [0, 2]
    assert isinstance(found.nodes[2].instructions[0], Copy)
    first, second = resolve_steps(found, found.nodes[2], Scope(), {}, "\\")
    assert (first.is_trigger, second.is_trigger) == (True, False)
    own = graph(text).nodes[3].instructions[0]
    assert isinstance(own, Run)
    assert own.command.texts == ("t",)


@pytest.mark.parametrize(
    ("text", "target", "message"),
    [
        (
            "FROM a AS build",
            "biuld",
            'target stage "biuld" could not be found (did you mean build?)',
        ),
        ("FROM $X", "", "base name ($X) should not be blank"),
        ("FROM --platform=$X a", "", "empty platform value from expression $X"),
        ("FROM a\nCOPY --from=9 s d", "", "invalid stage index 9"),
        ("FROM a AS x\nCOPY --from=x s d", "", "circular dependency detected on stage: x"),
        (
            "FROM a\nCOPY --from=$X s d",
            "",
            (
                "variable expansion is not supported for --from, define a new stage with FROM "
                "using ARG from global scope as a workaround"
            ),
        ),
        (
            "FROM a AS x\nCOPY --from=y s d\nFROM a AS y",
            "x",
            'cannot copy from stage "y", it needs to be defined before current stage "x"',
        ),
        ("ARG T\nFROM a:$T", "", 'failed to parse stage name "a:": invalid reference format'),
        (
            "FROM a\nCOPY --from=Alpine s d",
            "",
            (
                'failed to parse stage name "Alpine": invalid reference format: '
                "repository name (library/Alpine) must be lowercase"
            ),
        ),
    ],
)
def test_stages_that_do_not_go_together_are_refused(text: str, target: str, message: str) -> None:
    with pytest.raises(InvalidBuild) as caught:
        graph(text, target)
    assert caught.value.message == message


def test_a_copy_that_cannot_be_is_shown_with_its_own_line() -> None:
    text = "FROM a AS x\nCOPY --from=x s d"
    with pytest.raises(InvalidBuild) as caught:
        graph(text)
    assert caught.value.span == (text.index("COPY"), len(text))


def test_a_global_argument_counts_in_a_stage_that_declares_it() -> None:
    text = "ARG V=1\nFROM a\nWORKDIR /$V\nARG V\nWORKDIR /$V\nARG TARGETARCH\nWORKDIR /$TARGETARCH"
    before, _, behind, _, arch = steps(text)
    assert isinstance(before.instruction, Workdir)
    assert isinstance(behind.instruction, Workdir)
    assert isinstance(arch.instruction, Workdir)
    assert (before.instruction.path.text, before.unmatched) == ("/", frozenset({"V"}))
    assert behind.instruction.path.text == "/1"
    assert behind.used["V"].origin is Origin.GLOBAL_ARG
    assert arch.instruction.path.text == "/arm64"
    assert arch.used["TARGETARCH"].origin is Origin.PLATFORM
    assert steps(text, V="2")[2].used["V"].origin is Origin.BUILD_ARGUMENT


def test_values_of_one_line_see_what_was_before_it() -> None:
    env, run = steps("FROM a\nENV A=new B=$A\nRUN x", ("A=old",))
    assert env.environment == {"A": "new", "B": "old"}
    assert env.used["A"].origin is Origin.BASE_IMAGE
    assert dict(run.scope) == {"A": "new", "B": "old"}
    assert run.scope.values_by_name["B"].made_from == {"A"}


def test_words_are_replaced_where_docker_replaces_them() -> None:
    text = (
        "FROM a\nENV P='1 2' D=d\nEXPOSE $P 3\n"
        "COPY --chown=$D <<d <<'e' $D/ /$D/\n$D \"x\"\nd\n$D\ne\n"
        "RUN --mount=type=cache,target=/$D echo $D\n"
    )
    _, expose, copy, run = steps(text)
    assert isinstance(expose.instruction, Expose)
    assert [port.text for port in expose.instruction.ports] == ["1", "2", "3"]
    assert isinstance(copy.instruction, Copy)
    assert [file.text for file in copy.instruction.files] == ['d "x"\n', "$D\n"]
    assert copy.instruction.destination.text == "/d/"
    assert copy.instruction.chown is not None
    assert copy.instruction.chown.text == "d"
    assert run.mounts[0].target == "/d"
    assert isinstance(run.instruction, Run)
    assert run.instruction.command.texts == ("echo $D",)


def test_a_stage_has_the_arguments_of_the_one_that_it_begins_with() -> None:
    text = (
        "ARG GLOBAL=g\nFROM x AS base\nARG GLOBAL\nARG UNSET\nENV SET=env\nARG SET=arg NAMED=n\n"
        "FROM base\nARG NAMED=other\nRUN y"
    )
    found = graph(text)
    below = resolve_steps(found, found.nodes[0], base_scope(["PATH=/bin"]), {}, "\\")
    start = scope_after(below, Scope())

    steps = resolve_steps(found, found.nodes[1], start, {}, "\\")

    assert start["SET"] == "arg"
    assert dict(steps[-1].scope) == {**start, "NAMED": "other"}
    assert steps[-1].scope.arguments == ("GLOBAL", "UNSET", "SET", "NAMED")
