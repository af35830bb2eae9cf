"""Dockerfiles that cannot be built: what is wrong, where, and what is meant instead."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.build.conftest import Files
from wherry.testing.command import Wherry

Context = Callable[[Files], Path]
RULE = "-" * 20


def failure(builder: Wherry, context: Context, text: str) -> str:
    """What is told behind the progress."""
    failed = builder("build", str(context({"Dockerfile": text})), check=False)
    assert failed.returncode == 1
    return failed.stderr[failed.stderr.index("Dockerfile:") :]


def test_every_fault_of_a_dockerfile_is_told_with_its_column(
    builder: Wherry, context: Context
) -> None:
    told = failure(builder, context, "FROM busybox\nCOPY --chwon=1 a /a\nRNU true\n")

    assert told.split("Dockerfile:") == [
        "",
        f"""2:6
{RULE}
   1 |     FROM busybox
   2 | >>> COPY --chwon=1 a /a
     |          ^~~~~~~~~
   3 |     RNU true
{RULE}
ERROR: failed to build: failed to solve: dockerfile parse error on line 2: \
unknown flag: --chwon (did you mean chown?)
""",
        f"""3:1
{RULE}
   1 |     FROM busybox
   2 |     COPY --chwon=1 a /a
   3 | >>> RNU true
     |     ^~~
{RULE}
ERROR: failed to build: failed to solve: dockerfile parse error on line 3: \
unknown instruction: RNU (did you mean RUN?)
""",
    ]


@pytest.mark.parametrize(
    ("instruction", "complaint"),
    [
        ('ENV A="b', "failed to process"),
        ("COPY --from=Nope: a /a", 'failed to parse stage name "Nope:"'),
        (f"ADD --checksum=sha256:{0:064} file /", "checksum requires HTTP(S) or Git sources"),
        ("WORKDIR /bin/busybox", "mkdir /bin/busybox: not a directory"),
        ("COPY Dockerfil /", '"/Dockerfil": not found\nHint: the context has Dockerfile'),
    ],
)
def test_an_instruction_that_cannot_be_carried_out_is_shown(
    instruction: str, complaint: str, builder: Wherry, context: Context
) -> None:
    told = failure(builder, context, f"FROM busybox\n{instruction}\n")

    assert f"   2 | >>> {instruction}\n" in told
    assert complaint in told


def test_the_stage_that_may_be_meant_is_named(builder: Wherry, context: Context) -> None:
    text = "FROM busybox AS base\nFROM {}\n"

    told = failure(builder, context, text.format("bsae"))

    assert told.endswith("Hint: there is a stage base\n")


def test_no_line_reaches_the_terminal_that_could_steer_it(
    builder: Wherry, context: Context
) -> None:
    told = failure(builder, context, "FROM busybox\nRNU \x1b[2J" + "a" * 2000 + "\n")

    assert "\x1b" not in told
    assert "a..." in told
