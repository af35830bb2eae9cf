"""What instructions do to a configuration, and how histories tell of them."""

import pytest

from wherry.build.builder import scratch
from wherry.build.configuration import Draft, applied, exposed_ports
from wherry.build.graph import BuildRequest, stage_graph
from wherry.build.scope import Scope
from wherry.build.steps import resolve_steps
from wherry.dockerfile.parser import parse
from wherry.errors import InvalidArgument
from wherry.oci.platform import Platform

AMD = Platform.parse("linux/amd64")


def history_of(text: str) -> tuple[Draft, list[str]]:
    dockerfile = parse(f"FROM scratch\n{text}\n")
    graph = stage_graph(dockerfile, BuildRequest(build_platform=AMD, target_platform=AMD))
    draft = Draft(scratch(AMD).config)
    lines = []
    for step in resolve_steps(graph, graph.nodes[0], Scope(), {}, "\\"):
        draft, line = applied(draft, step)
        lines.append(line)
    return draft, lines


@pytest.mark.parametrize(
    ("instruction", "line"),
    [
        ('CMD ["a", "b c"]', 'CMD ["a" "b c"]'),
        ("CMD a b", 'CMD ["/bin/sh" "-c" "a b"]'),
        ("CMD", 'CMD ["/bin/sh" "-c" ""]'),
        ("CMD []", "CMD []"),
        ('ENTRYPOINT ["a"]', 'ENTRYPOINT ["a"]'),
        ("ENV A=1 B=2", "ENV A=1 B=2"),
        ("LABEL a=b", "LABEL a=b"),
        ("EXPOSE 81 80/udp", "EXPOSE [80/udp 81/tcp]"),
        ("VOLUME /a /b", "VOLUME [/a /b]"),
        ("USER me", "USER me"),
        ("ARG A=1", "ARG A=1"),
        ("STOPSIGNAL SIGINT", "STOPSIGNAL SIGINT"),
        ('SHELL ["/bin/ash", "-c"]', "SHELL [/bin/ash -c]"),
        (
            "HEALTHCHECK --interval=90s CMD x",
            'HEALTHCHECK &{["CMD-SHELL" "x"] "1m30s" "0s" "0s" "0s" \'\\x00\'}',
        ),
        ("ONBUILD RUN x", ""),
        ("MAINTAINER me", "MAINTAINER me"),
    ],
)
def test_the_history_has_buildkits_words(instruction: str, line: str) -> None:
    assert history_of(instruction)[1] == [line]


def test_an_entrypoint_keeps_a_command_of_the_same_stage() -> None:
    draft, _ = history_of('CMD ["a"]\nENTRYPOINT ["b"]')

    assert (draft.defaults.cmd, draft.defaults.entrypoint) == (("a",), ("b",))


def test_a_variable_is_replaced_in_its_place() -> None:
    draft, _ = history_of("ENV A=1\nENV B=2\nENV A=3")

    assert draft.defaults.env[1:] == ("A=3", "B=2")  # behind the PATH of nothing


@pytest.mark.parametrize(
    ("word", "ports"),
    [
        ("80", ["80/tcp"]),
        ("53/UDP", ["53/udp"]),
        ("81-82", ["81/tcp", "82/tcp"]),
    ],
)
def test_ports_may_be_spelled(word: str, ports: list[str]) -> None:
    assert list(exposed_ports(word)) == ports


@pytest.mark.parametrize("word", ["x", "70000", "80/xyz", "9-8", ""])
def test_other_ports_are_refused(word: str) -> None:
    with pytest.raises(InvalidArgument):
        list(exposed_ports(word))
